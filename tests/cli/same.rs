//! Same seed, same bytes, whatever the threads.

use super::Bench;

/// Enough rows for several chunks of every kind of work.
const SMALL: &str =
    "--rows 6000 --batch-size 600 --steps 6 --evaluate-every 3 --layers 1 --hidden 8 --no-plots";

fn everything(bench: &Bench, name: &str, common: &str) -> [Vec<u8>; 3] {
    bench.run(&format!("fit two-moons {SMALL} {common} -o {name}")).good();
    let sampled = format!("{name}.csv");
    bench.run(&format!("sample {name} -n 9000 {common} -o {sampled}")).good();
    let values = format!("{name}-values.csv");
    bench.run(&format!("log-prob {name} {sampled} {common} -o {values}")).good();
    [format!("{name}/model.safetensors"), sampled, values].map(|file| bench.bytes(&file))
}

#[test]
fn results_do_not_depend_on_the_threads() {
    let bench = Bench::new();
    let one = everything(&bench, "one", "--threads 1");
    for threads in [2, 7] {
        let more = everything(&bench, &format!("t{threads}"), &format!("--threads {threads}"));
        for (what, (a, b)) in ["model", "samples", "values"].iter().zip(one.iter().zip(&more)) {
            assert!(a == b, "{what} with {threads} threads");
        }
    }
    let again = everything(&bench, "again", "--seed 0");
    assert!(one == again, "the default seed is 0, and a run can be repeated");
}

#[test]
fn another_seed_gives_another_result() {
    let bench = Bench::new();
    let zero = everything(&bench, "zero", "");
    let one = everything(&bench, "one", "--seed 1");
    for (what, (a, b)) in ["model", "samples", "values"].iter().zip(zero.iter().zip(&one)) {
        assert!(a != b, "{what}");
    }
    let toy = |seed| bench.run(&format!("toy rings -n 20 --seed {seed}")).good().out;
    assert!(toy(0) == toy(0) && toy(0) != toy(1));
}

#[test]
fn more_samples_begin_with_the_same_ones() {
    let bench = Bench::new();
    bench.run(&format!("fit two-moons {SMALL} -o run")).good();
    let few = bench.run("sample run -n 4096").good().out;
    let many = bench.run("sample run -n 70000").good().out;
    assert!(many.starts_with(&few), "chunks of a sample have their own random numbers");
    assert_eq!(many.lines().count(), 70_001);
}
