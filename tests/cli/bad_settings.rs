//! Settings that cannot be used: each is refused by name with a remedy.

use super::Bench;

#[test]
fn settings_that_cannot_be_used() {
    let bench = Bench::new();
    for (settings, words) in [
        ("--flow nfs", ["nfs", "nsf-ar"]),
        ("--steps 0", ["steps", "at least 1"]),
        ("--batch-size 0", ["batch-size", "at least 1"]),
        ("--evaluate-every 0", ["evaluate-every", "at least 1"]),
        ("--lr -1", ["lr: -1", "range"]),
        ("--lr 0", ["lr: 0", "range"]),
        ("--lr nan", ["lr: NaN", "range"]),
        ("--lr fast", ["--lr", "fast"]),
        ("--hidden 0", ["hidden", "positive"]),
        ("--layers 0", ["layers", "at least 1"]),
        ("--bins 1", ["bins", "2 to"]),
        ("--flow realnvp --bins 8", ["bins", "no splines"]),
        ("--valid 1.5", ["--valid 1.5", "fraction"]),
        ("--test -0.1", ["--test -0.1", "fraction"]),
        ("--valid 0.5 --test 0.5", ["--valid 0.5", "below 1"]),
        ("--rows 5", ["5 rows are too few", "at least 10"]),
        ("--threads 0", ["threads", "at least 1"]),
        ("--dtype f16", ["--dtype f16", "f32 or f64"]),
        ("--device cuda:9", ["--device cuda:9", "cpu"]),
        ("--device gpu", ["--device gpu", "cuda:N"]),
        ("--weight-decay -1", ["weight-decay", "range"]),
        ("--average-decay 1", ["average-decay", "range"]),
        ("--clip-norm 0", ["clip-norm", "range"]),
        ("--speed 9", ["--speed", "--help"]),
    ] {
        let said = bench.run(&format!("fit two-moons {settings} -o no")).refused(&words);
        assert!(said.err.len() < 700, "a message one can read: {}", said.err);
        assert!(!bench.exists("no"), "{settings}");
    }
}

#[test]
fn a_settings_file_that_cannot_be_used() {
    let bench = Bench::new();
    for (content, words) in [
        ("colour = 3", ["settings.toml", "`colour`"]),
        ("steps = 'many'", ["settings.toml", "many"]),
        ("steps = ", ["settings.toml", ""]),
        ("dtype = 'f16'", ["f16", "f64"]),
    ] {
        bench.write("settings.toml", content);
        bench.run("fit two-moons --config settings.toml -o no").refused(&words);
    }
    bench.run("fit two-moons --config none.toml -o no").refused(&["none.toml"]);
}
