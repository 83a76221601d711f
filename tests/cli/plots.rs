//! Pictures of models and data.

use super::{Bench, Column, csv};

#[test]
fn plots_of_models_and_data_are_png_and_svg() {
    let bench = Bench::with_model();
    let three: [Column; 3] =
        [("a", |i| (1.3 * i).sin()), ("b", |i| (0.7 * i).cos()), ("c", |i| (2.1 * i).sin())];
    bench.write("rows.csv", csv(&three, 200));
    for subject in [
        "density run",
        "samples run",
        "flow run",
        "training run",
        "density two-moons",
        "samples two-moons",
        "density rows.csv",
        "samples rows.csv",
        "density run --dark",
        "samples run --data two-moons",
    ] {
        let stem = subject.replace([' ', '.'], "-");
        bench.run(&format!("plot {subject} -o {stem}.png --quiet")).good();
        let said = bench.run(&format!("plot {subject} -o {stem}.svg --json")).good();
        assert_eq!(said.json()["picture"], format!("{stem}.svg"));
        assert!(bench.bytes(&format!("{stem}.png")).starts_with(b"\x89PNG"), "{subject}");
        assert!(bench.text(&format!("{stem}.svg")).contains("</svg>"), "{subject}");
    }
    for kind in ["flow", "training"] {
        bench.run(&format!("plot {kind} rows.csv -o no.png")).refused(&["needs a model"]);
    }
}
