//! Pictures of models and data.

use super::{Bench, Column, TINY, csv};

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

/// Width and height of a PNG.
fn size(bytes: &[u8]) -> [u32; 2] {
    [16, 20].map(|at| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()))
}

#[test]
fn models_are_judged_by_rows() {
    let bench = Bench::with_model();
    bench.run("toy two-moons -n 300 -o rows.csv --seed 9").good();
    bench.run("toy two-moons -n 200 -o fitted.csv --seed 3").good();
    bench.run(&format!("fit fitted.csv {TINY} -o other")).good();
    for kind in ["residual", "calibration", "scores"] {
        bench.run(&format!("plot {kind} run -o {kind}.png --data rows.csv")).good();
        bench.run(&format!("plot {kind} run -o {kind}-fresh.png")).good();
        bench.run(&format!("plot {kind} other -o no.png")).refused(&["--data"]);
    }
    let text = |name: &str| bench.text(&format!("{name}.svg"));
    bench.run("plot scores run --with other --with run --data rows.csv -o scores.svg").good();
    assert!(
        text("scores").contains("300 rows") && text("scores").lines().any(|line| line == "other")
    );
    assert_eq!(text("scores").lines().filter(|line| *line == "run").count(), 2);
    bench.run("plot residual run --data rows.csv -o residual.svg").good();
    assert!(text("residual").contains("residual (σ)"));
    bench.run("plot calibration run --data rows.csv -o calibration.svg").good();
    assert!(text("calibration").contains("coverage is off by at most"));
    bench.run("plot density run --with other -o no.png").refused(&["--with"]);
    bench.run("plot compare run --with other --with run -o no.png").refused(&["one other model"]);
}

#[test]
fn conditional_models_and_columns_are_judged_too() {
    let bench = Bench::new();
    let three: [Column; 3] =
        [("a", |i| (1.3 * i).sin()), ("b", |i| (0.7 * i).cos()), ("c", |i| (2.1 * i).sin())];
    bench.write("rows.csv", csv(&three, 200));
    bench.run(&format!("fit rows.csv --given c {TINY} -o run")).good();
    bench.run("plot calibration run --data rows.csv -o run.svg").good();
    assert!(bench.text("run.svg").contains("200 rows"));
    for kind in ["log-det", "singular", "layers", "residual"] {
        bench.run(&format!("plot {kind} run --data rows.csv -o no.png")).refused(&["two columns"]);
    }
    bench.run("plot density run --data rows.csv --log -o no.png").refused(&["one or two columns"]);
}

#[test]
fn the_way_to_the_latent_space_is_drawn() {
    let bench = Bench::with_model();
    for (kind, says) in
        [("log-det", "log |det"), ("singular", "singular value"), ("layers", "after layer")]
    {
        bench.run(&format!("plot {kind} run -o {kind}.svg --dark")).good();
        assert!(bench.text(&format!("{kind}.svg")).contains(says), "{kind}");
        bench.run(&format!("plot {kind} two-moons -o no.png")).refused(&["needs a model"]);
    }
    bench.run(&format!("fit two-moons --flow ffjord {TINY} -o ode")).good();
    bench.run("plot layers ode -o no.png").refused(&["plot flow"]);
    bench.run("plot flow ode -o ode.gif").good();
    assert!(bench.bytes("ode.gif").starts_with(b"GIF89a"));
}

#[test]
fn logarithms_widths_and_scales() {
    let bench = Bench::with_model();
    bench.run("plot density run --log -o log.svg --title moons").good();
    assert!(bench.text("log.svg").contains("log density (nats)"));
    bench.run("plot density two-moons --log -o toy.svg").good();
    assert!(bench.text("toy.svg").contains("log density (nats)"));
    bench.run("plot samples run --log -o no.png").refused(&["--log"]);
    bench.run("toy two-moons -n 50 -o rows.csv").good();
    bench.run("plot density rows.csv --log -o no.png").refused(&["--log"]);
    for (flags, width) in [("", 1040), ("--scale 1", 520), ("--width 300 --scale 4", 1200)] {
        bench.run(&format!("plot density run {flags} -o size.png --force")).good();
        assert_eq!(size(&bench.bytes("size.png"))[0], width, "{flags}");
    }
    bench.run("plot density run --scale 9 -o no.png").refused(&["--scale"]);
    bench.run("plot density run --width 3 -o no.png").refused(&["cannot be drawn"]);
}

/// Lines of an SVG, of which each text is one.
fn has(svg: &str, text: &str) -> bool {
    svg.lines().any(|line| line == text)
}

/// The mode lies across the ends of the period, so that the circle is cut elsewhere.
#[test]
fn the_axis_of_an_angle_is_its_declared_period() {
    let bench = Bench::new();
    let columns: [Column; 2] = [
        ("angle", |i| (60.0 * (1.3 * i).sin()).rem_euclid(360.0)),
        ("y", |i| (0.7 * i).cos() + 0.1 * (2.9 * i).sin()),
    ];
    bench.write("rows.csv", csv(&columns, 400));
    let schema = "[columns.angle]\nkind = \"circular\"\nlow = 0.0\nhigh = 360.0\n";
    bench.write("schema.toml", schema);
    bench.run(&format!("fit rows.csv --schema schema.toml {TINY} -o run")).good();
    for plot in ["density run", "density run --log", "samples run --data rows.csv"] {
        let stem = plot.replace([' ', '.'], "-");
        bench.run(&format!("plot {plot} -o {stem}.svg")).good();
        let svg = bench.text(&format!("{stem}.svg"));
        assert!(has(&svg, "300") && has(&svg, "0") && !svg.contains("−100"), "{plot}");
        assert!(!has(&svg, "400") && !has(&svg, "500"), "{plot}");
    }
    // Half of the rows lie at either end of the axis, and the model's mass with them.
    bench.run("plot density run -o density.png").good();
    let png = bench.bytes("density.png");
    let picture = diffeo::plots::Picture::from_png(&png).unwrap();
    let brightest = |from: f64, to: f64| {
        let pixels = (0..picture.height()).flat_map(|row| {
            let column = |share: f64| (share * f64::from(picture.width())) as u32;
            (column(from)..column(to)).map(move |column| (column, row))
        });
        // The green of the colour map, where white lines and texts are not.
        let green = |(column, row)| {
            let [r, g, b] = picture.pixel(column, row).unwrap();
            if r.abs_diff(g) < 40 && g.abs_diff(b) < 40 { 0 } else { g }
        };
        pixels.map(green).max().unwrap()
    };
    let (left, middle, right) = (brightest(0.2, 0.27), brightest(0.4, 0.5), brightest(0.65, 0.7));
    assert!(left > middle + 40 && right > middle + 40, "{left} {middle} {right}");
}

/// Seconds since an epoch with a spread of a hundredth: the window was a thousandth of the number.
#[test]
fn pictures_far_from_zero_show_what_there_is() {
    let bench = Bench::new();
    let columns: [Column; 2] = [
        ("t", |i| 1_126_259_462.4 + 0.01 * (1.3 * i).sin()),
        ("y", |i| (0.7 * i).cos() + 0.1 * (2.9 * i).sin()),
    ];
    bench.write("rows.csv", csv(&columns, 400));
    bench.run(&format!("fit rows.csv {TINY} -o run")).good();
    for plot in ["density run", "samples run --data rows.csv", "samples rows.csv", "field run"] {
        let stem = plot.replace([' ', '.'], "-");
        bench.run(&format!("plot {plot} -o {stem}.svg")).good();
        let svg = bench.text(&format!("{stem}.svg"));
        assert!(has(&svg, "t  (+ 1126259462.3)"), "{plot}");
        assert!(has(&svg, "0.10") || has(&svg, "0.100"), "{plot}");
    }
    bench.run("plot density run -o density.png").good();
    let picture = diffeo::plots::Picture::from_png(&bench.bytes("density.png")).unwrap();
    let colours: std::collections::BTreeSet<&[u8]> = picture.pixels().chunks_exact(3).collect();
    assert!(colours.len() > 400, "{} colours: nothing is drawn", colours.len());
}

#[test]
fn letters_without_a_glyph_are_written_as_code_points_and_said_once() {
    let bench = Bench::new();
    let columns: [Column; 2] = [("质量", |i| (1.3 * i).sin()), ("M☉ Жβộ", |i| (0.7 * i).cos())];
    bench.write("rows.csv", csv(&columns, 200));
    for output in ["p.png", "p.svg"] {
        let said = bench.run(&format!("plot samples rows.csv -o {output}")).good();
        let warnings = said.err.lines().filter(|line| line.contains("U+2609"));
        assert_eq!(warnings.count(), 1, "{said:?}");
        assert!(said.err.contains("质 (U+8D28)") && !said.err.contains('Ж'), "{said:?}");
    }
    assert!(has(&bench.text("p.svg"), "质量"));
    let quiet = bench.run("plot samples two-moons -o q.png").good();
    assert!(!quiet.err.contains("warning"), "{quiet:?}");
}
