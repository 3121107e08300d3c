//! The table of rules, `docs/rules.md`: what it points to exists, and no rule is left out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A row: the rule's name such as `Blocks 2`, and links as (text, target) of code and of tests.
struct Row {
    rule: String,
    code: Vec<(String, String)>,
    tests: Vec<(String, String)>,
}

fn links(cell: &str) -> Vec<(String, String)> {
    cell.split("](")
        .collect::<Vec<_>>()
        .windows(2)
        .map(|pair| {
            let text = pair[0].rsplit('[').next().unwrap_or_default();
            let target = pair[1].split(')').next().unwrap_or_default();
            (text.trim_matches('`').to_owned(), target.to_owned())
        })
        .collect()
}

fn rows() -> Vec<Row> {
    let path = root().join("docs/rules.md");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let table = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| rule"));
    table
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
            let [rule, _, code, tests] = cells[..] else { panic!("four cells: {line}") };
            Row { rule: rule.trim().to_owned(), code: links(code), tests: links(tests) }
        })
        .collect()
}

#[test]
fn every_rule_has_code_that_keeps_it_and_a_test_that_exists() {
    let mut sources: BTreeMap<PathBuf, String> = BTreeMap::new();
    let rows = rows();
    assert!(rows.len() > 50, "{} rules", rows.len());
    let mut tests = 0;
    for Row { rule, code, tests: named } in &rows {
        assert!(!code.is_empty(), "{rule}: no code keeps it");
        assert!(!named.is_empty(), "{rule}: no test names it");
        for (text, target) in code.iter().chain(named) {
            let path = root().join("docs").join(target);
            assert!(path.is_file(), "{rule}: {text} points to {target}, which is not there");
        }
        for (name, target) in named {
            let path = root().join("docs").join(target);
            let source = sources.entry(path.clone()).or_insert_with(|| {
                std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{target}: {e}"))
            });
            let is_doc_test = name == "compile_fail" && source.contains("```compile_fail");
            assert!(is_doc_test || is_test(source, name), "{rule}: {target} has no test {name}");
            tests += 1;
        }
    }
    println!("{} rules, {tests} tests named", rows.len());
}

/// Whether `name` is a function with `#[test]` before it and no `#[ignore]`, with a reason or without.
fn is_test(source: &str, name: &str) -> bool {
    let Some(at) = source.find(&format!("fn {name}(")) else { return false };
    let before: Vec<&str> = source[..at].lines().rev().take(6).collect();
    let is_test = before.iter().any(|line| line.trim() == "#[test]");
    is_test && !before.iter().any(|line| line.trim().starts_with("#[ignore"))
}

#[test]
fn an_ignored_test_is_none() {
    assert!(is_test("#[test]\nfn a() {}", "a"));
    for ignored in ["#[ignore]", "#[ignore = \"slow\"]", "  #[ignore] // slow"] {
        assert!(!is_test(&format!("#[test]\n{ignored}\nfn a() {{}}"), "a"), "{ignored}");
    }
    assert!(!is_test("fn a() {}", "a") && !is_test("#[test]\nfn b() {}", "a"));
}

/// The page of rules is the project's plan and not part of it; where it lies beside the checkout, each
/// of its numbered rules and points has a row.
#[test]
fn no_rule_of_the_protocol_is_left_out() {
    let page = root().join("../shared/protocol.md");
    let Ok(page) = std::fs::read_to_string(&page) else {
        println!("skipped: no shared/protocol.md beside the checkout to compare with");
        return;
    };
    let named: Vec<String> = rows().into_iter().map(|row| row.rule).collect();
    let (mut section, mut point, mut points) = (String::new(), 0, 0);
    let mut paragraphs = BTreeMap::new();
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            let first = title.split_whitespace().next().unwrap_or_default();
            (section, point) = (first.to_owned(), 0);
        } else if line.starts_with("- ")
            || line.split_once(". ").is_some_and(|(n, _)| n.parse::<u32>().is_ok())
        {
            point += 1;
            points += 1;
            let rule = format!("{section} {point}");
            let has = |name: &String| {
                name.strip_prefix(&rule)
                    .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
            };
            assert!(named.iter().any(has), "no row for {rule}: {line}");
        } else if !line.trim().is_empty() && !section.is_empty() && point == 0 {
            paragraphs.insert(section.clone(), ());
        }
    }
    assert!(points > 20, "{points} points");
    for section in paragraphs.keys() {
        assert!(named.iter().any(|name| name.starts_with(section)), "no row for {section}");
    }
    println!("{points} points and {} paragraphs have their rows", paragraphs.len());
}
