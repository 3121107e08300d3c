//! `helio length` as a user runs it: all shared vectors, all invalid inputs, bad files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

#[path = "support/command.rs"]
mod command;

use command::{complaint, helio};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../distill/tests/finite-key").join(name)
}

/// The vectors' objects, by column, all values as text.
fn vectors() -> Vec<serde_json::Map<String, Value>> {
    let text = fs::read_to_string(fixture("vectors.json")).expect("vectors");
    serde_json::from_str(&text).expect("JSON")
}

fn cell(row: &serde_json::Map<String, Value>, column: &str) -> String {
    row[column].as_str().map_or_else(|| row[column].to_string(), str::to_owned)
}

fn rows(output: &Output) -> Vec<Value> {
    let all: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
    all["rows"].as_array().expect("rows").clone()
}

#[test]
fn all_shared_vectors_within_their_acceptance_from_csv_and_json() {
    let here = tempfile::tempdir().expect("a folder");
    for name in ["vectors.csv", "vectors.json"] {
        let file = fixture(name);
        let output = helio(here.path(), &["length", file.to_str().expect("a name"), "--json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let found = rows(&output);
        assert_eq!(found.len(), 40);
        for (i, (row, expected)) in found.iter().zip(vectors()).enumerate() {
            let id = cell(&expected, "id");
            let line = i as u64 + if name.ends_with("csv") { 2 } else { 1 };
            assert_eq!(row["line"], line, "{id}");
            assert_eq!(row["id"], *id);
            assert_eq!(row["status"], cell(&expected, "status"), "{id}");
            let number = |column: &str| cell(&expected, column).parse::<f64>().ok();
            let sifted: f64 = ["nk1", "nk2", "nk3"].into_iter().filter_map(number).sum();
            let (reference, ell) = (number("ell").expect("ell"), row["ell"].as_f64().expect("ell"));
            assert!(
                reference - 2.0 - 1e-11 * sifted <= ell && ell <= reference,
                "{id}: {ell} bits, reference {reference}"
            );
            for column in ["s0", "s1", "s1_test", "v", "phi_obs", "phi"] {
                let found = row[column].as_f64().unwrap_or_else(|| panic!("{id} has no {column}"));
                let expected = number(column).expect("a number");
                assert!(
                    (found - expected).abs() <= 1e-9 * expected.abs(),
                    "{id} {column}: {found}"
                );
            }
            let published = cell(&expected, "bound") != "varlen2d";
            assert_eq!(row["as_published"], published, "{id}");
            assert_eq!(row["reason"].is_null(), row["status"] == "ok", "{id}");
        }
    }
}

#[test]
fn the_table_for_people_has_every_row() {
    let here = tempfile::tempdir().expect("a folder");
    let file = fixture("vectors.csv");
    let output = helio(here.path(), &["length", file.to_str().expect("a name")]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("text");
    for row in vectors() {
        let id = cell(&row, "id");
        let line = text.lines().find(|line| line.starts_with(&id)).expect("a line");
        for column in ["bound", "status"] {
            assert!(line.contains(&cell(&row, column)), "{line}");
        }
    }
    assert!(text.contains("as published"));
}

/// A bound, cells of a good row to be changed, and the kind of refusal.
type Spoilt = (&'static str, Vec<(&'static str, &'static str)>, &'static str);

/// Every case of `invalid.json`, as changes of a good row and the kind of refusal it must meet.
fn invalid(case: &str) -> Vec<Spoilt> {
    let eps_sec = |value| {
        let of = |bound| (bound, vec![("eps_sec", value)], "epsilon");
        ["lim2014", "lim2014-serfling", "rusca2018", "rusca2018-serfling", "wiesemann"]
            .map(of)
            .to_vec()
    };
    let each = |column, values: &[&'static str], kind| {
        values.iter().map(|&value| ("varlen2d", vec![(column, value)], kind)).collect()
    };
    match case {
        "eps_sec = 0" => eps_sec("0"),
        "eps_sec = 1" => eps_sec("1"),
        "eps_sec = -1e-9" => eps_sec("-1e-9"),
        "eps_sec = NaN" => eps_sec("NaN"),
        "eps_d = 0 or >= 1" => each("eps_d", &["0", "1", "1.5"], "epsilon"),
        "eps_total >= 1" => vec![
            ("varlen2d", vec![("eps_pa", "0.6"), ("eps_ev", "0.5")], "epsilon-total"),
            ("lim2014", vec![("eps_sec", "0.5"), ("eps_cor", "0.5")], "epsilon-total"),
            ("wiesemann", vec![("eps_sec", "0.5"), ("eps_cor", "0.5")], "epsilon-total"),
        ],
        "p1+p2+p3 != 1 (|diff| > 1e-9)" => each("p1", &["0.750001", "0.7"], "probability-sum"),
        "any p_k <= 0" => each("p2", &["0", "-0.1"], "probability"),
        "mu2 <= mu3" => each("mu3", &["0.1", "0.2"], "intensity-order"),
        "mu1 <= mu2 + mu3" => each("mu1", &["0.1", "0.05"], "intensity-order"),
        "mu negative, NaN or infinite" => each("mu2", &["-0.1", "NaN", "inf"], "intensity"),
        "m_k > n_k for any basis and intensity" => ["mk1", "mk2", "mk3", "mt1", "mt2", "mt3"]
            .map(|c| ("varlen2d", vec![(c, "999999999999")], "errors-exceed-detections"))
            .to_vec(),
        "delta1 or delta2 outside [0,1)" => [
            each("delta1", &["-1e-9", "1", "NaN"], "mismatch"),
            each("delta2", &["-1e-9", "1", "1.2"], "mismatch"),
        ]
        .concat(),
        "leak negative or NaN (f64 API)" => each("leak", &["-1", "NaN"], "leak"),
        "1-decoy: mu1 <= mu2 or mu2 <= 0" => ["wiesemann", "rusca2018", "rusca2018-serfling"]
            .into_iter()
            .flat_map(|b| ["0.5", "0.9", "0"].map(|mu| (b, vec![("mu2", mu)], "intensity-order")))
            .collect(),
        "count sum overflows u64" => vec![
            ("varlen2d", vec![("nk1", "18446744073709551615")], "too-many-counts"),
            ("lim2014", vec![("nt1", "18446744073709551615")], "too-many-counts"),
            ("wiesemann", vec![("nk1", "18446744073709551616")], "too-many-counts"),
        ],
        unknown => panic!("no row for {unknown:?}"),
    }
}

/// A row of `bound` that gives a key as it is.
fn good(bound: &str) -> Vec<(&'static str, String)> {
    let two = ["wiesemann", "rusca2018", "rusca2018-serfling"].contains(&bound);
    let mut row: Vec<(&str, String)> = vec![("bound", bound.to_owned())];
    let lists: [(&[&str; 3], [&str; 3]); 6] = [
        (&["mu1", "mu2", "mu3"], ["0.5", if two { "0.15" } else { "0.1" }, "0"]),
        (&["p1", "p2", "p3"], ["0.75", if two { "0.25" } else { "0.15" }, "0.1"]),
        (&["nk1", "nk2", "nk3"], ["33637292", "3350577", "682"]),
        (&["mk1", "mk2", "mk3"], ["335539", "33873", "341"]),
        (&["nt1", "nt2", "nt3"], ["3737477", "350064", "76"]),
        (&["mt1", "mt2", "mt3"], ["37282", "3541", "38"]),
    ];
    for (names, values) in lists {
        let listed = names.iter().zip(values).enumerate();
        row.extend(listed.map(|(k, (n, v))| (*n, (if two && k == 2 { "" } else { v }).to_owned())));
    }
    row.push(("leak", "3278110".to_owned()));
    let varlen = bound == "varlen2d";
    let epsilons = [
        (varlen, ["eps_d", "eps_a", "eps_b", "eps_c", "eps_pa", "eps_ev"].as_slice(), "1e-12"),
        (varlen, &["delta1", "delta2"], "0"),
        (!varlen, &["eps_sec", "eps_cor"], "1e-10"),
    ];
    for (filled, names, value) in epsilons {
        row.extend(names.iter().map(|n| (*n, (if filled { value } else { "" }).to_owned())));
    }
    row
}

#[test]
fn all_invalid_inputs_are_refused_with_the_right_kind_and_the_other_rows_stand() {
    let cases = fs::read_to_string(fixture("invalid.json")).expect("cases");
    let cases: Vec<Value> = serde_json::from_str(&cases).expect("JSON");
    assert_eq!(cases.len(), 16);
    let (mut lines, mut kinds) = (Vec::new(), Vec::new());
    let head: Vec<&str> = good("varlen2d").iter().map(|(name, _)| *name).collect();
    for case in &cases {
        let case = case["case"].as_str().expect("text");
        for (bound, changes, kind) in invalid(case) {
            for (changed, expected) in [(&changes[..], kind), (&[], "")] {
                let mut row = good(bound);
                for (name, value) in changed {
                    let cell = row.iter_mut().find(|(n, _)| n == name).expect("a column");
                    cell.1 = (*value).to_owned();
                }
                lines.push(row.into_iter().map(|(_, cell)| cell).collect::<Vec<_>>().join(","));
                kinds.push((case, expected));
            }
        }
    }
    let here = tempfile::tempdir().expect("a folder");
    let table = format!("{}\n{}\n", head.join(","), lines.join("\n"));
    fs::write(here.path().join("bad.csv"), table).expect("written");
    let output = helio(here.path(), &["length", "bad.csv", "--json"]);
    complaint(&output, 3, &["bad.csv", "refused", "mend"]);
    let found = rows(&output);
    assert_eq!(found.len(), kinds.len());
    for (i, (row, (case, kind))) in found.iter().zip(kinds).enumerate() {
        assert_eq!(
            (row["line"].as_u64(), &row["id"]),
            (Some(i as u64 + 2), &(i + 1).to_string().into())
        );
        if kind.is_empty() {
            assert!(row["status"] == "ok" && row["ell"].as_u64() > Some(0), "{case}: {row}");
        } else {
            assert!(row["status"] == "error" && row["ell"].is_null(), "{case}: {row}");
            assert_eq!(row["kind"], kind, "{case}: {row}");
            assert!(row["reason"].as_str().is_some_and(|r| r.len() > 10), "{case}: {row}");
        }
    }
    let text = helio(here.path(), &["length", "bad.csv"]);
    complaint(&text, 3, &["refused"]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("a failure probability lies strictly"));
}

#[test]
fn a_bad_file_is_one_sentence_with_its_place_and_the_remedy() {
    let here = tempfile::tempdir().expect("a folder");
    let at = here.path();
    complaint(&helio(at, &["length", "none.csv"]), 3, &["none.csv", "cannot be read"]);
    for (name, bytes, words) in [
        ("head.csv", &b"a,b\n1,2\n"[..], &["mu1", "first line"][..]),
        ("empty.csv", b"", &["no column"]),
        ("bytes.csv", b"mu1\n\xFF\n", &["line 2", "UTF-8"]),
        ("bad.json", b"[{\"nk1\": }]", &["line 1, column 10", "an object for each block"]),
    ] {
        fs::write(at.join(name), bytes).expect("written");
        let output = helio(at, &["length", name, "--json"]);
        complaint(&output, 3, &[&[name], words].concat());
        assert!(output.stdout.is_empty());
    }
}
