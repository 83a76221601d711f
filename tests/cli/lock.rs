//! One fit at a time in a folder; of a flag given twice the last counts.

use super::{Bench, TINY};

/// A fit of some seconds.
const LONG: &str = "fit two-moons --rows 400 --steps 100000 --evaluate-every 20 --layers 1 --hidden 8 \
                    --no-plots";

#[cfg(unix)]
#[test]
fn a_second_fit_in_a_folder_is_refused_until_the_first_is_gone() {
    use std::time::{Duration, Instant};
    let bench = Bench::new();
    // The default folder, and one by name.
    for (flag, folder) in [("", "runs/two-moons"), ("-o named", "named")] {
        let mut first = bench.start(&format!("{LONG} {flag}"));
        let started = Instant::now();
        while !bench.exists(&format!("{folder}/checkpoint.safetensors")) {
            assert!(started.elapsed() < Duration::from_mins(1), "no checkpoint");
            std::thread::sleep(Duration::from_millis(2));
        }
        let config = bench.text(&format!("{folder}/config.toml"));
        for more in ["", "--force", "--resume", "--flow auto --force"] {
            let said = bench.run(&format!("fit two-moons {TINY} --seed 9 {flag} {more}"));
            said.refused(&[folder, "another fit is running"]);
            assert_eq!(bench.text(&format!("{folder}/config.toml")), config, "{more}");
        }
        first.kill().unwrap();
        first.wait().unwrap();
        // A lock of the dead is none.
        bench.run(&format!("fit two-moons {TINY} {flag} --force")).good();
        assert!(!bench.exists(&format!("{folder}/.lock")));
    }
}

#[test]
fn a_fit_that_is_refused_leaves_no_folder_behind() {
    let bench = Bench::new();
    bench.run(&format!("fit two-moons {TINY} --lr -1")).refused(&["lr"]);
    assert!(!bench.exists("runs"), "neither the folder nor the one it lies in");
    bench.run(&format!("fit none.csv {TINY} -o new")).refused(&["none.csv"]);
    assert!(!bench.exists("new"));
}

#[test]
fn of_a_flag_given_twice_the_last_counts() {
    let bench = Bench::new();
    bench.run(&format!("fit two-moons {TINY} --steps 8 --steps 4 --seed 1 --seed 2 -o run")).good();
    let config = bench.text("run/config.toml");
    assert!(config.contains("steps = 4\n") && config.contains("seed = 2\n"), "{config}");
    let said = bench.run("toy rings -n 5 -n 3 --quiet --quiet").good();
    assert_eq!(said.out.lines().count(), 4);
}
