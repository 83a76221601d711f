//! Pictures, checks and descriptions of score models.

use super::{Bench, Column, TINY, csv, keys};

/// Pictures of a plane that needs few evaluations: a score that hardly differs from a Gaussian's.
fn bench(flags: &str) -> Bench {
    let bench = Bench::new();
    bench.run(&format!("fit two-moons --flow score {TINY} {flags} -o run")).good();
    bench
}

/// The share of pixels of another colour than the corner's.
fn inked(png: &[u8]) -> f64 {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    let paper: [u8; 3] = pixels[..3].try_into().unwrap();
    let inked = pixels[..frame.buffer_size()].chunks_exact(3).filter(|pixel| **pixel != paper);
    inked.count() as f64 / f64::from(frame.width * frame.height)
}

#[test]
fn every_picture_of_a_score_is_drawn() {
    let bench = bench("");
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for (i, subject) in [
        "field run",
        "field run --noise 0.5",
        "field run --noise 0.05,0.5",
        "field run --noise 0.05,0.5,2 --streamlines",
        "divergence run --noise 0.5",
        "curl run",
        "curl run --noise 0.5",
        "energy run",
        "reverse run",
        "reverse run --sampler heun --sampler-steps 20 --schedule vp",
        "reverse run --sampler langevin --sampler-steps 30 --signal-to-noise 0.3",
        "reverse run --sampler annealed-langevin --sampler-steps 4 --corrections 2",
    ]
    .iter()
    .enumerate()
    {
        bench.run(&format!("plot {subject} -o {i}.png --quiet")).good();
        let picture = bench.bytes(&format!("{i}.png"));
        assert!(inked(&picture) > 0.15, "{subject}: {} of the paper", inked(&picture));
        assert!(!seen.contains(&picture), "{subject} looks like another");
        seen.push(picture);
    }
    bench.run("plot reverse run -o r.svg").good();
    assert!(bench.text("r.svg").contains("σ = 3"));
    bench.run("plot field run --noise 0.05,0.5 -o levels.svg").good();
    let levels = bench.text("levels.svg");
    assert!(levels.contains("σ = 0.05") && levels.contains("σ = 0.5"), "a panel for each");
}

#[test]
fn curls_are_measured_and_those_of_gradients_are_none() {
    // Without rows to choose by, the last weights stay.
    let moved = "--valid 0 --test 0 --lr 0.01 --warmup 0 --average-decay 0";
    let (free, energy) = (bench(moved), bench(&format!("{moved} --network conservative")));
    let share = |bench: &Bench, flags: &str| {
        let said = bench.run(&format!("plot curl run {flags} -o curl.png --force --json")).good();
        assert_eq!(keys(&said.json()), ["antisymmetric_share", "picture"]);
        assert!(said.err.contains("antisymmetric share"), "{said:?}");
        said.json()["antisymmetric_share"]["mean"].as_f64().unwrap()
    };
    assert!(share(&free, "--noise 0.5") > 1e-12);
    assert!(share(&energy, "--noise 0.5") < 1e-12);
    for level in ["0.01", "1"] {
        energy.run(&format!("plot energy run --noise {level} -o {level}.png")).good();
    }
    assert_ne!(energy.bytes("0.01.png"), energy.bytes("1.png"));
    free.run("plot energy run --noise 1 -o no.png").refused(&["energy", "--network conservative"]);
}

#[test]
fn films_are_gifs_of_what_moves() {
    let bench = bench("");
    bench.run(&format!("fit two-moons --flow flow-matching {TINY} -o flow")).good();
    bench.run(&format!("fit two-moons {TINY} -o splines")).good();
    for (i, subject) in [
        "reverse run --animate",
        "reverse run --sampler heun --sampler-steps 5",
        "flow run",
        "flow flow --animate",
        "trajectories flow",
    ]
    .iter()
    .enumerate()
    {
        let said = bench.run(&format!("plot {subject} -o {i}.gif --json")).good();
        assert_eq!(said.json()["picture"], format!("{i}.gif"));
        let film = bench.bytes(&format!("{i}.gif"));
        assert!(film.starts_with(b"GIF89a") && film.len() < 2_000_000, "{subject}");
        // Of the extension that makes viewers start again.
        assert!(film.windows(11).any(|w| w == b"NETSCAPE2.0"), "{subject}");
    }
    for (arguments, words) in [
        ("plot reverse run --animate -o no.png", ["--animate", ".gif"]),
        ("plot field run --animate -o no.svg", ["--animate", ".gif"]),
        ("plot field run -o no.gif", ["no.gif", "nothing moves in field"]),
        ("plot density two-moons -o no.gif", ["no.gif", "nothing moves"]),
        ("plot flow splines -o no.gif", ["trajectories", "continuous"]),
    ] {
        bench.run(arguments).refused(&words);
        assert!(!bench.exists("no.gif") && !bench.exists("no.png"), "{arguments}");
    }
    bench.run("plot reverse run -o 0.gif").refused(&["0.gif", "--force"]);
}

#[test]
fn flags_that_a_picture_has_no_use_for() {
    let bench = bench("");
    bench.run(&format!("fit two-moons {TINY} -o splines")).good();
    for (arguments, words) in [
        ("plot density run --noise 0.5 -o no.png", ["--noise", "no use"]),
        ("plot field run --sampler heun -o no.png", ["--sampler", "no use"]),
        ("plot reverse run --noise 1 -o no.png", ["--noise", "no use"]),
        ("plot reverse run --sampler-steps 5 -o no.png", ["--sampler", "required"]),
        ("plot reverse run --sampler heun --corrections 2 -o no.png", ["--corrections", "heun"]),
        ("plot reverse run --sampler langevin --sampler-steps 0 -o no.png", ["sampler", "1 to"]),
        ("plot reverse run --streamlines -o no.png", ["--streamlines", "no use"]),
        ("plot curl run --streamlines -o no.png", ["--streamlines", "no use"]),
        ("plot energy run --score -o no.png", ["--score", "no use"]),
        ("plot samples two-moons --noise 1 -o no.png", ["--noise", "no use"]),
        ("plot curl run --noise 0.1,1 -o no.png", ["--noise", "one level"]),
        ("plot energy run --noise 0.1,1 -o no.png", ["--noise", "one level"]),
        ("plot field run --noise 0.1,100 -o no.png", ["100", "trained levels"]),
        ("plot curl run --noise -1 -o no.png", ["-1", "trained levels"]),
        ("plot field run --noise 0.1,1 --time 0 -o no.png", ["--noise", "--time"]),
        ("plot field splines --noise 0.1,1 -o no.png", ["noise", "score"]),
        ("plot reverse splines -o no.png", ["noise levels", "score"]),
        ("plot reverse two-moons -o no.png", ["two-moons", "needs a model"]),
        ("plot density run --with splines -o no.png", ["--with", "no use"]),
        ("field run two-moons --noise 0.1,1", ["--noise", "0.1,1"]),
    ] {
        bench.run(arguments).refused(&words);
        assert!(!bench.exists("no.png"), "{arguments}");
    }
}

#[test]
fn two_models_are_compared() {
    let bench = bench("");
    bench.run(&format!("fit two-moons {TINY} -o splines")).good();
    let alike = |a: &str, b: &str| {
        let arguments = format!("plot compare {a} --with {b} -o pair.png --force --json");
        let said = bench.run(&arguments).good();
        assert_eq!(keys(&said.json()), ["cosine", "picture", "relative"]);
        assert!(said.err.contains("relative difference"), "{said:?}");
        ["relative", "cosine"].map(|key| said.json()[key]["mean"].as_f64().unwrap())
    };
    let [relative, cosine] = alike("splines", "splines");
    assert!(relative.abs() < 1e-12 && (cosine - 1.0).abs() < 1e-12);
    let [relative, cosine] = alike("run", "splines");
    assert!(relative > 1e-3 && cosine < 0.9999, "{relative} {cosine}");
    bench.run("plot compare run --with splines --data eight-gaussians -o p.svg").good();
    let two: [Column; 2] = [("a", |i| (1.3 * i).sin()), ("b", |i| (0.7 * i).cos())];
    bench.write("rows.csv", csv(&two, 200));
    bench.run(&format!("fit rows.csv {TINY} -o other")).good();
    for (arguments, words) in [
        ("plot compare run -o no.png", ["compare", "--with"]),
        ("plot compare run --with none -o no.png", ["none", "no such model"]),
        ("plot compare run --with other -o no.png", ["--with other", "same columns"]),
        ("plot compare two-moons --with run -o no.png", ["two-moons", "needs a model"]),
    ] {
        bench.run(arguments).refused(&words);
    }
}

#[test]
fn a_certificate_says_what_holds() {
    let bench = bench("");
    bench.run(&format!("fit two-moons {TINY} -o splines")).good();
    let said = bench.run("check splines --json").good();
    let certificate = said.json();
    assert_eq!(certificate["passed"], true, "{said:?}");
    let names = |value: &serde_json::Value| -> Vec<String> {
        let checks = value["checks"].as_array().unwrap();
        assert!(
            checks.iter().all(|c| keys(c) == ["detail", "name", "passed", "tolerance", "value"])
        );
        checks.iter().map(|c| c["name"].as_str().unwrap().to_owned()).collect()
    };
    let of_flows =
        ["integral", "log-det", "samples-match-density", "stein-identity", "fingerprint"];
    let found = names(&certificate);
    assert!(of_flows.iter().all(|name| found.iter().any(|f| f == name)), "{found:?}");
    assert!(said.err.contains("score-agreement: not checked"), "{said:?}");
    let said = bench.run("check run two-moons --json");
    let found = names(&said.json());
    for name in ["score-agreement", "calibration-coverage", "classifier-two-sample"] {
        assert!(found.iter().any(|f| f == name), "{found:?}");
    }
    let passed = said.json()["passed"].as_bool().unwrap();
    assert_eq!(said.code, Some(i32::from(!passed)), "{said:?}");
    let text = bench.run("check splines --quiet").good().out;
    assert!(text.contains("pass  stein-identity") && text.contains("checks pass"), "{text}");
    bench.run("check none").refused(&["none", "no such model"]);
    bench.run("check two-moons").refused(&["two-moons", "no such model"]);
    bench.run("check splines none.csv").refused(&["none.csv", ""]);
}

/// A network that is far from the score of the density that its own flow has.
#[test]
fn a_check_that_fails_is_exit_code_one() {
    let wild = "--valid 0 --test 0 --steps 60 --lr 0.3 --warmup 0 --average-decay 0";
    let tiny = TINY.replace("--steps 12 --evaluate-every 4", "--evaluate-every 60");
    let bench = Bench::new();
    bench.run(&format!("fit two-moons --flow score {tiny} {wild} -o run")).good();
    let said = bench.run("check run");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("FAIL") && said.out.contains("checks fail"), "{said:?}");
}

#[test]
fn conditional_models_are_checked_at_contexts() {
    let bench = Bench::new();
    let two: [Column; 2] = [("a", |i| (1.3 * i).sin()), ("c", |i| (0.7 * i).cos())];
    bench.write("rows.csv", csv(&two, 300));
    bench.run(&format!("fit rows.csv --given c {TINY} -o run")).good();
    bench.run("check run").refused(&["conditional", "DATA"]);
    let new: [Column; 2] = [("a", |i| (1.3 * i + 0.4).sin()), ("c", |i| (0.7 * i + 0.4).cos())];
    bench.write("new.csv", csv(&new, 300));
    let said = bench.run("check run new.csv --json");
    assert!(matches!(said.code, Some(0 | 1)), "{said:?}");
    assert!(said.json()["checks"].as_array().unwrap().len() >= 12, "{said:?}");
}

#[test]
fn objectives_samplers_and_noise_are_named() {
    let bench = bench("--score-objective ssm-vr --noise-min 0.02 --noise-max 9");
    let list = bench.run("list").good().out;
    for name in ["dsm", "ssm", "ssm-vr", "ism", "probability-flow", "predictor-corrector"] {
        assert!(list.contains(&format!("  {name} ")), "{name}: {list}");
    }
    let list = bench.run("list --json").good().json();
    assert_eq!(keys(&list), ["flows", "samplers", "score_objectives", "toys"]);
    assert_eq!(list["score_objectives"].as_array().unwrap().len(), 4);
    let info = bench.run("info run").good().out;
    for words in ["0.02 to 9 standard deviations", "ssm-vr", "free"] {
        assert!(info.contains(words), "{words}: {info}");
    }
    let info = bench.run("info run --json").good().json();
    assert_eq!(info["score"]["objective"], "ssm-vr");
    assert_eq!(info["score"]["levels"]["largest"], 9.0);
}

#[test]
fn a_fit_draws_the_field_at_several_levels() {
    let bench = Bench::new();
    let tiny = TINY.replace(" --no-plots", "");
    bench.run(&format!("fit two-moons --flow score {tiny} --noise-max 0.3 -o run")).good();
    bench.run("plot field run --noise 0.05,0.2,0.3 --streamlines -o same.png").good();
    assert!(bench.bytes("run/field.png").starts_with(b"\x89PNG"));
    assert!(bench.bytes("same.png").len() > bench.bytes("run/field.png").len() / 2);
}
