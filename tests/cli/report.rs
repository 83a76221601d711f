//! The report of a fit, as a browser sees it.

use super::{Bench, Column, csv};
use scraper::{Html, Selector};
use std::path::Path;
use std::process::{Command, Stdio};

/// A short fit with pictures, of columns whose names are not plain.
const FIT: &str = "fit rows.csv --steps 12 --evaluate-every 4 --layers 1 --hidden 8 --quiet -o run";
const COLUMNS: [Column; 2] =
    [("<b>größe</b>", |i| (1.3 * i).sin()), ("x&\u{20}y", |i| (0.7 * i).cos())];

fn reported() -> (Bench, String) {
    let bench = Bench::new();
    bench.write("rows.csv", csv(&COLUMNS, 300));
    bench.run(FIT).good();
    let text = bench.text("run/report.html");
    (bench, text)
}

fn texts(page: &Html, selector: &str) -> Vec<String> {
    let selector = Selector::parse(selector).unwrap();
    page.select(&selector).map(|e| e.text().collect()).collect()
}

#[test]
fn the_report_is_valid_complete_and_needs_nothing_else() {
    let (bench, text) = reported();
    let page = Html::parse_document(&text);
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    let headings = texts(&page, "h2");
    for heading in ["Scores", "Pictures", "Certificate", "Data", "Model", "Make it again", "Use it"]
    {
        assert!(headings.iter().any(|h| h == heading), "{heading} is not in {headings:?}");
    }
    assert!(texts(&page, "th").contains(&"<b>größe</b>".to_owned()), "names are escaped");
    let command = &texts(&page, "pre")[0];
    assert_eq!(command, &format!("diffeo {FIT}"));
    assert!(!text.contains("<script") && !text.contains("<link"));
    let images = Selector::parse("img").unwrap();
    let sources: Vec<_> = page.select(&images).map(|i| i.attr("src").unwrap()).collect();
    assert_eq!(sources.len(), 6);
    assert!(sources.iter().all(|s| s.starts_with("data:image/png;base64,")));
    assert!(page.select(&images).all(|i| !i.attr("alt").unwrap().is_empty()));
    let certificate = bench.text("run/certificate.json");
    let certificate: serde_json::Value = serde_json::from_str(&certificate).unwrap();
    let checks = certificate["checks"].as_array().unwrap();
    assert!(!checks.is_empty());
    for check in checks {
        assert!(text.contains(check["name"].as_str().unwrap()), "{check}");
    }
}

#[test]
fn the_same_fit_gives_the_same_report() {
    let (bench, first) = reported();
    bench.run(&format!("{FIT} --force --threads 1")).good();
    let same = |text: &str| text.replace(" --force --threads 1", "");
    assert_eq!(same(&bench.text("run/report.html")), first);
}

#[test]
fn without_pictures_there_is_still_a_report() {
    let bench = Bench::with_model();
    let page = Html::parse_document(&bench.text("run/report.html"));
    assert!(texts(&page, "img").is_empty() && texts(&page, "h2").contains(&"Scores".to_owned()));
}

/// A browser's pictures of the page: something is drawn, and at the width of a phone nothing sticks out.
#[test]
#[ignore = "needs Chromium: the checks run it where there is one"]
fn a_browser_shows_the_report_on_a_phone() {
    let browser = browser().expect("Chromium is not installed");
    let (bench, text) = reported();
    let measure = "<script>document.documentElement.dataset.room = \
                   innerWidth - document.documentElement.scrollWidth</script></body>";
    bench.write("measured.html", text.replace("</body>", measure));
    let dom = browse(browser, &bench.path("measured.html"), "--dump-dom", bench.path("profile"));
    assert!(String::from_utf8_lossy(&dom).contains("data-room=\"0\""), "something sticks out");
    let shot = bench.path("shot.png");
    let flag = format!("--screenshot={}", shot.display());
    browse(browser, &bench.path("run/report.html"), &flag, bench.path("profile"));
    let mut reader = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(shot).unwrap()))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    let dark = pixels.iter().filter(|&&p| p < 128).count();
    assert!(dark > pixels.len() / 100 && dark < pixels.len() / 2, "{dark} of {}", pixels.len());
}

fn browser() -> Option<&'static str> {
    let runs = |name: &&str| {
        let mut command = Command::new(name);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find(runs)
}

fn browse(browser: &str, page: &Path, flag: &str, profile: impl AsRef<Path>) -> Vec<u8> {
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--hide-scrollbars",
        ])
        .args(["--window-size=500,1600", flag])
        .arg(format!("--user-data-dir={}", profile.as_ref().display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

/// Nothing is called held out or unseen that is not.
#[test]
fn the_rows_that_judge_are_named() {
    let bench = Bench::new();
    bench.write("rows.csv", csv(&COLUMNS, 300));
    for (shares, judges) in [
        ("--valid 0 --test 0", "the training rows"),
        ("--test 0", "the rows that chose the weights"),
        ("", "the test rows"),
    ] {
        bench.run(&format!("{FIT} --force {shares}")).good();
        let page = Html::parse_document(&bench.text("run/report.html"));
        let title = &texts(&page, ".card .title")[0];
        assert_eq!(title, &format!("Log-likelihood of {judges}"));
        let paragraphs = texts(&page, "p").join("\n");
        let count = paragraphs.matches(&format!("of {judges}, ")).count();
        assert_eq!(count, 2, "scores and least likely rows: {paragraphs}");
        assert_eq!(bench.exists("run/calibration.png"), judges != "the training rows");
        let captions = texts(&page, "figcaption").join("\n");
        let named = captions.contains(&format!("Where {judges} lie"));
        assert_eq!(named, judges != "the training rows", "{captions}");
    }
}

#[test]
fn the_report_of_a_conditional_model_says_how_to_use_it() {
    let bench = Bench::new();
    bench.write("rows.csv", csv(&[("c", |i| (1.3 * i).sin()), ("y", |i| (0.7 * i).cos())], 300));
    bench.run("fit rows.csv --given c --steps 4 --evaluate-every 4 --layers 1 --hidden 8 --no-plots -o run").good();
    let page = Html::parse_document(&bench.text("run/report.html"));
    let code = texts(&page, "pre").join("\n");
    let lines = [
        "diffeo sample run --given contexts.csv -o samples.csv",
        "let rows = Rows::new(1, values)?.with_context(1, context.clone())?;",
        "model.sample_rows(rows.len(), Some(&context), 7, &workers)?;",
    ];
    for line in lines {
        assert!(code.contains(line), "{line} is not in {code}");
    }
    bench.write("contexts.csv", "c\n0.5\n-0.5\n");
    bench.run("sample run --given contexts.csv -o samples.csv").good();
}
