//! Contexts: outside what training saw, of labels, of one value; weights of any unit.

use super::{Bench, TINY, csv};

/// `y` follows `c`, which goes from 0 to 10.
fn conditional() -> Bench {
    let bench = Bench::new();
    let table =
        csv(&[("y", |i| (0.025 * i).sin() + 0.1 * (3.3 * i).cos()), ("c", |i| 0.025 * i)], 401);
    bench.write("data.csv", table);
    bench.run(&format!("fit data.csv --given c {TINY} -o run")).good();
    bench
}

#[test]
fn a_context_outside_what_training_saw_is_said_and_never_overflows() {
    let bench = conditional();
    bench.write("inside.csv", "c\n1\n9\n");
    let said = bench.run("sample run --given inside.csv").good();
    assert!(!said.err.contains("warning"), "{said:?}");
    bench.write("far.csv", "c\n12\n5\n-9999\n1e20\n1e39\n1e300\n");
    let said = bench.run("sample run --given far.csv").good();
    assert!(said.numbers().iter().all(|y| y.is_finite() && y.abs() < 1e6), "{said:?}");
    for part in ["context c", "5 rows", "1e300", "held beyond"] {
        assert!(said.err.contains(part), "{part}: {said:?}");
    }
    bench.write("rows.csv", "y,c\n0,12\n0,5\n0,1e39\n");
    for command in ["log-prob run rows.csv", "evaluate run rows.csv", "field run rows.csv"] {
        let said = bench.run(command).good();
        assert!(said.err.contains("context c: 2 rows"), "{command}: {said:?}");
    }
    let values = bench.run("log-prob run rows.csv").good().numbers();
    assert!(values.iter().all(|value| value.is_finite()), "{values:?}");
}

#[test]
fn a_context_of_one_value_adds_nothing() {
    let bench = Bench::new();
    bench.write("data.csv", csv(&[("y", |i| (1.7 * i).sin()), ("c", |_| 4.0)], 100));
    let said = bench.run(&format!("fit data.csv --given c {TINY} -o run"));
    let said = said.refused(&["'c'", "adds nothing", "--given"]);
    assert!(!said.err.contains("no density"), "{said:?}");
}

#[test]
fn labels_are_a_context() {
    let bench = Bench::new();
    let mut table = "col,y\n".to_owned();
    for i in 0..300 {
        let (label, centre) = [("red", -5.0), ("green", 0.0), ("blue", 5.0)][i % 3];
        let value = (centre + 0.3 * (1.7 * i as f64).sin()).to_string();
        table += &[label, ",", &value, "\n"].concat();
    }
    bench.write("data.csv", &table);
    bench.write(
        "schema.toml",
        "[columns.col]\nkind = \"category\"\nlabels = [\"red\", \"green\", \"blue\"]\n",
    );
    // Enough steps to learn where each label is, a tenth of a second.
    let sizes = "--steps 150 --lr 0.02 --warmup 0 --average-decay 0 --evaluate-every 50 --layers 1 \
                 --hidden 8 --no-plots";
    let fit =
        format!("fit data.csv --flow maf --given col --schema schema.toml {sizes} -o run --json");
    let report = bench.run(&fit).good().json();
    // The Gaussian knows the means of the labels: 0.21 is the standard deviation within one.
    let gaussian = report["baselines"]["gaussian"].as_f64().unwrap();
    assert!((-0.3..0.5).contains(&gaussian), "{report}");
    let info = bench.run("info run").good().out;
    assert!(info.contains("col (category: red, green, blue)"), "{info}");
    bench.write("given.csv", "col\nred\nblue\n");
    let drawn = bench.run("sample run --given given.csv").good().numbers();
    assert!(drawn.len() == 2 && drawn[0] < drawn[1], "{drawn:?}");
    bench.write("rows.csv", "y,col\n-5,red\n-5,blue\n");
    let values = bench.run("log-prob run rows.csv").good().numbers();
    assert!(values[0] > values[1] + 1.0, "{values:?}");
    bench.write("strange.csv", "col\nred\npink\n");
    bench.run("sample run --given strange.csv").refused(&["pink", "line 3", "green"]);
}

/// What exp(log weight) of a nested-sampling run looks like.
#[test]
fn a_common_factor_of_the_weights_decides_nothing() {
    let bench = Bench::new();
    let table = |factor: f64| {
        let mut text = "x,w\n".to_owned();
        for i in 0..300 {
            let i = f64::from(i);
            let (x, w) = ((2.3 * i).sin() + (0.7 * i).cos(), (1.0 + i % 3.0) * factor);
            text += &[x.to_string(), format!(",{w:e}\n")].concat();
        }
        text
    };
    for (name, factor) in [("one.csv", 1.0), ("tiny.csv", 1e-170), ("huge.csv", 1e170)] {
        bench.write(name, table(factor));
    }
    let fit = bench.run(&format!("fit one.csv --weight w {TINY} -o run --json")).good().json();
    let effective = fit["effective_rows"]["train"].as_f64().unwrap();
    // (1 + 2 + 3)² / (1 + 4 + 9) of three rows each.
    assert!((effective / 240.0 - 36.0 / 42.0).abs() < 0.02, "{fit}");
    let of = |name: &str| bench.run(&format!("evaluate run {name} --json")).good().json();
    let right = of("one.csv");
    assert!((right["effective_rows"].as_f64().unwrap() - 300.0 * 36.0 / 42.0).abs() < 1e-6);
    for name in ["tiny.csv", "huge.csv"] {
        let got = of(name);
        for key in ["mean", "standard_error"] {
            let of = |from: &serde_json::Value| from["log_likelihood"][key].as_f64().unwrap();
            assert!((of(&got) - of(&right)).abs() < 1e-9, "{name}: {got}");
        }
    }
    let text = bench.run("evaluate run one.csv").good().out;
    assert!(text.contains("by their weights 257.1"), "{text}");
    bench.write("heavy.csv", format!("{}0.5,1e9\n", table(1.0)));
    let said = bench.run("evaluate run heavy.csv").good();
    assert!(said.err.contains("row 301 has 100 % of all weight"), "{said:?}");
}

#[test]
fn equal_rows_of_whole_numbers_have_one_field() {
    let bench = Bench::new();
    bench.write("data.csv", csv(&[("k", |i| (i * i) % 7.0)], 200));
    bench.write("schema.toml", "[columns.k]\nkind = \"integer\"\n");
    bench.run(&format!("fit data.csv --schema schema.toml {TINY} -o run")).good();
    bench.write("rows.csv", "k\n3\n3\n4\n3\n");
    let said = bench.run("field run rows.csv --divergence").good();
    let values = said.numbers();
    let bits: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
    assert!(bits[..2] == bits[2..4] && bits[..2] == bits[6..], "{said:?}");
    assert!(said.err.contains("middle of their cell"), "{said:?}");
}

#[test]
fn a_row_without_a_field_is_counted() {
    let bench = Bench::with_model();
    bench.write("far.csv", "x1,x2\n0,0\n1e200,0\n");
    let said = bench.run("field run far.csv").good();
    assert!(said.err.contains("1 of 2 rows"), "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(lines[1].split(',').all(|v| v.parse::<f64>().unwrap().is_finite()), "{said:?}");
    assert_eq!(lines[2], ",", "an empty row: {said:?}");
}
