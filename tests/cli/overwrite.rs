//! Nothing is replaced without `--force`.

use super::{Bench, TINY};

#[test]
fn files_stay_unless_forced() {
    let bench = Bench::with_model();
    for (name, command) in [
        ("toy.csv", "toy rings -n 5"),
        ("sample.csv", "sample run -n 5"),
        ("sample.npy", "sample run -n 5"),
        ("sample.parquet", "sample run -n 5"),
        ("values.csv", "log-prob run two-moons"),
        ("density.png", "plot density run"),
        ("samples.svg", "plot samples two-moons"),
    ] {
        bench.write(name, "mine");
        bench.run(&format!("{command} -o {name}")).refused(&[name, "--force"]);
        assert_eq!(bench.text(name), "mine", "{command}");
        bench.run(&format!("{command} -o {name} --force")).good();
        assert!(bench.bytes(name) != b"mine", "{command}");
    }
}

#[test]
fn a_run_folder_stays_unless_forced() {
    let bench = Bench::with_model();
    let before = bench.bytes("run/model.safetensors");
    bench.run(&format!("fit rings {TINY} -o run")).refused(&["run", "--force", "--resume"]);
    assert!(bench.bytes("run/model.safetensors") == before);
    bench.write("run/flow.png", "of the old model");
    bench.run(&format!("fit rings {TINY} -o run --force")).good();
    assert_eq!(bench.run("info run --json").good().json()["data"]["source"], "rings");
    assert!(!bench.exists("run/flow.png"), "pictures of the old model are gone");
}

#[test]
fn settings_that_are_refused_leave_the_run_folder_as_it_was() {
    let bench = Bench::with_model();
    let names = ["config.toml", "metrics.jsonl", "model.safetensors"];
    let content = || names.map(|name| bench.bytes(&format!("run/{name}")));
    let before = content();
    for (settings, word) in [
        ("--batch-size 0", "batch-size"),
        ("--lr -1", "lr"),
        ("--bins 1", "bins"),
        ("--hidden 0", "hidden"),
        ("--support x1=positive", "x1"),
        ("--flow none", "flow"),
        ("--components 9999", "components"),
        ("--base bell", "student-t"),
        ("--flow nsf --base gaussian-mixture", "components"),
        ("--base student-t --components 3", "components"),
    ] {
        let sizes = if settings.contains("hidden") { "" } else { "--hidden 8" };
        let tiny = TINY.replace("--hidden 8", sizes);
        bench.run(&format!("fit two-moons {tiny} {settings} -o run --force")).refused(&[word]);
        assert!(content() == before, "{settings}");
        bench.run(&format!("fit two-moons {tiny} {settings} -o new")).refused(&[word]);
        assert!(!bench.exists("new"), "{settings} leaves no folder behind");
    }
}

#[test]
fn refused_output_leaves_no_file() {
    let bench = Bench::with_model();
    bench.write("bad.csv", "x1,x2\n1,2\n3,text\n");
    bench.run("log-prob run bad.csv -o values.csv").refused(&["bad.csv", "line 3", "x2"]);
    assert!(!bench.exists("values.csv"));
    bench.run("sample run -n 5 -o none/values.csv").refused(&["none", "create"]);
    bench.run("sample run -n 5 -o values.txt").refused(&["values.txt", ".parquet"]);
    bench.run("plot density run -o picture.gif").refused(&["picture.gif", ".png"]);
}
