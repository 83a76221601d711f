use serde_json::Value;
use std::process::Command;

/// What a command prints.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The packages of the workspace and all that they are built from on this machine.
fn packages() -> Vec<Value> {
    let versions = said("rustc", &["-vV"]);
    let host = versions.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let arguments = ["metadata", "--format-version", "1", "--locked", "--filter-platform", host];
    let metadata: Value = serde_json::from_str(&said(env!("CARGO"), &arguments)).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn version(text: &str) -> Vec<u32> {
    text.split('.').map(|part| part.parse().unwrap()).collect()
}

/// `.ci/run` compiles with that version where it is installed; this holds everywhere.
#[test]
fn no_dependency_needs_a_newer_rust_than_is_promised() {
    let packages = packages();
    let promised = |package: &Value| package["rust_version"].as_str().map(version);
    let own = packages.iter().find(|package| package["name"] == "diffeo").unwrap();
    let ours = promised(own).unwrap();
    for package in &packages {
        assert!(promised(package).is_none_or(|needed| needed <= ours), "{}", package["id"]);
    }
}

/// What a registry asks for, and what it gives to those who read about a package.
#[test]
fn every_package_says_what_a_registry_asks() {
    let packages = packages();
    for name in ["diffeo", "diffeo-flows", "diffeo-plots"] {
        let package = packages.iter().find(|package| package["name"] == name).unwrap();
        for field in ["description", "license", "documentation", "readme", "rust_version"] {
            assert!(
                package[field].as_str().is_some_and(|text| !text.is_empty()),
                "{name}: {field}"
            );
        }
        for field in ["keywords", "categories"] {
            let count = package[field].as_array().unwrap().len();
            assert!((1..=5).contains(&count), "{name}: {count} {field}");
        }
        // The font is part of the pictures and of the program, not of the mathematics.
        let has_font = package["license"].as_str().unwrap().contains("OFL-1.1");
        assert_eq!(has_font, name != "diffeo-flows", "{name}");
        for dependency in package["dependencies"].as_array().unwrap() {
            let by_path = dependency["path"].is_string();
            assert!(!by_path || dependency["req"] != "*", "{name}: {}", dependency["name"]);
        }
    }
}

#[test]
fn the_version_names_the_licences_of_what_is_inside() {
    let long = said(env!("CARGO_BIN_EXE_diffeo"), &["--version"]);
    assert!(long.starts_with(concat!("diffeo ", env!("CARGO_PKG_VERSION"), "\n")), "{long}");
    assert!(long.contains("MIT or Apache-2.0") && long.contains("SIL Open Font License"), "{long}");
    let short = said(env!("CARGO_BIN_EXE_diffeo"), &["-V"]);
    assert_eq!(short, concat!("diffeo ", env!("CARGO_PKG_VERSION"), "\n"));
}
