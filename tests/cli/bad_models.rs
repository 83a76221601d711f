//! Models that cannot be loaded, and folders that cannot be written.

use super::{Bench, TINY};

#[test]
fn models_that_cannot_be_loaded() {
    let bench = Bench::with_model();
    let good = bench.bytes("run/model.safetensors");
    let changed = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let text = b"\"format\":\"1\"";
    let header = good.windows(text.len()).position(|w| w == text).unwrap();
    let tensors = 8 + u64::from_le_bytes(good[..8].try_into().unwrap()) as usize;
    let mut newer = good.clone();
    newer[header + 10] = b'9';
    for (content, words) in [
        (good[..good.len() - 100].to_vec(), ["truncated", "copy it again"]),
        (good[..200].to_vec(), ["truncated", "copy it again"]),
        (good[..5].to_vec(), ["truncated", "copy it again"]),
        (Vec::new(), ["empty", "copy it again"]),
        (changed(good.len() - 5), ["corrupted", "copy it again"]),
        (changed(usize::midpoint(tensors, good.len())), ["corrupted", "copy it again"]),
        (b"just some text, long enough".to_vec(), ["not a diffeo model", "run folder"]),
        (newer, ["format 9", "update"]),
    ] {
        bench.write("model.safetensors", content);
        for command in ["info", "sample", "plot density -o no.png"] {
            let said = bench.run(&format!("{command} model.safetensors"));
            said.refused(&words).refused(&["model.safetensors"]);
        }
        bench.run("log-prob model.safetensors two-moons").refused(&words);
        bench.run("evaluate model.safetensors two-moons").refused(&words);
    }
    bench.run("info none").refused(&["none", "run folder"]);
    std::fs::create_dir(bench.path("folder")).unwrap();
    bench.run("info folder").refused(&["folder", "no model.safetensors"]);
}

#[test]
fn a_folder_that_cannot_be_written() {
    let bench = Bench::with_model();
    bench.write("file", "not a folder");
    bench.run(&format!("fit two-moons {TINY} -o file/run")).refused(&["file/run"]);
    bench.run("sample run -n 3 -o file/rows.csv").refused(&["file"]);
    bench.run("plot density run -o file/picture.png").refused(&["file/picture.png"]);
    std::fs::create_dir(bench.path("locked")).unwrap();
    let mut permissions = std::fs::metadata(bench.path("locked")).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(bench.path("locked"), permissions).unwrap();
    // Root may write to any folder of a disk; nobody makes files of processes.
    let is_root = std::fs::write(bench.path("locked/probe"), "").is_ok();
    let locked = if is_root { "/proc/self" } else { "locked" };
    if !is_root || cfg!(target_os = "linux") {
        bench.run(&format!("fit two-moons {TINY} -o {locked}/run")).refused(&[locked]);
        bench.run(&format!("sample run -n 3 -o {locked}/rows.csv")).refused(&[locked]);
        bench.run(&format!("plot density run -o {locked}/picture.png")).refused(&[locked]);
    }
}
