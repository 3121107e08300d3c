use helio_distill::bound::{Refusal, Status};
use proptest::prelude::*;

use super::*;

const HEAD: &str = "id,bound,mu1,mu2,mu3,p1,p2,p3,nk1,nk2,nk3,nt1,nt2,nt3,mt1,mt2,mt3,leak,\
                    eps_d,eps_a,eps_b,eps_c,eps_pa,eps_ev,delta1,delta2,remark";
const GOOD: &str = "a,varlen2d,0.5,0.1,0,0.75,0.15,0.1,33637292,3350577,682,3737477,350064,76,\
                    37282,3541,38,3278110,1e-12,1e-12,1e-12,1e-12,2e-11,2e-11,0,0,a word";

fn rows(text: &str) -> Result<Vec<Row>, TableFault> {
    let mut rows = Vec::new();
    read(text.as_bytes(), &mut |row| rows.push(row)).map(|()| rows)
}

/// The good row with one cell changed.
fn with(name: &str, cell: &str) -> Row {
    let at = HEAD.split(',').position(|c| c == name).expect("a column");
    let mut cells: Vec<&str> = GOOD.split(',').collect();
    cells[at] = cell;
    rows(&format!("{HEAD}\n{}\n", cells.join(","))).expect("a table").remove(0)
}

#[test]
fn csv_and_json_say_the_same() {
    let [row] = &rows(&format!("{HEAD}\r\n{GOOD}\r\n")).unwrap()[..] else { panic!("one row") };
    let length = row.length().unwrap();
    assert!(length.status == Status::Ok && length.ell > 1_000_000, "{length:?}");
    assert_eq!((row.id().as_str(), row.line()), ("a", 2));
    // Numbers, texts and null; a single object is a single row; a mark of the byte order.
    let fields = HEAD.split(',').zip(GOOD.split(','));
    let text: Vec<String> = fields
        .clone()
        .map(|(name, cell)| match cell.parse::<f64>() {
            Ok(_) if name != "mu1" => format!("{name:?}: {cell}"),
            _ => format!("{name:?}: {cell:?}"),
        })
        .collect();
    let object = format!("{{{}, \"mk1\": null, \"more\": {{\"x\": [1]}}}}", text.join(", "));
    for json in [object.clone(), format!("\u{FEFF} [{object}, {object}]")] {
        let read = rows(&json).unwrap();
        assert!(read.iter().all(|row| row.length().unwrap() == length), "{json}");
    }
    // Without names: numbered, and the product's bound.
    let bare = format!("{}\n{}\n", &HEAD[9..], &GOOD[11..]);
    let [row] = &rows(&bare).unwrap()[..] else { panic!("one row") };
    assert_eq!((row.id().as_str(), row.length().unwrap()), ("1", length));
}

#[test]
fn spreadsheet_numbers_are_whole_and_others_are_not() {
    let good = with("id", "b").length().unwrap();
    for (name, cell) in [("nk1", "33637292.0"), ("nk2", " 3350577 "), ("nt2", "3.50064e5")] {
        assert_eq!(with(name, cell).length().unwrap(), good, "{name} {cell}");
    }
    for cell in ["-1", "1.5", "nan", "inf", "1e-3", "12 000", "0x10", "one"] {
        let fault = with("nk2", cell).length().unwrap_err();
        assert_eq!(fault.kind(), "cell", "{cell}");
        let told = fault.to_string();
        assert!(told.contains("line 2, nk2") && told.contains("whole number"), "{told}");
    }
    // A leak is rounded against the key, and a large one is not rounded to a smaller.
    let longer = with("leak", "3278110.000001").length().unwrap();
    assert_eq!(longer.ell, good.ell - 1);
    for cell in ["9007199254740993", "-1", "NaN", "1e17"] {
        let fault = with("leak", cell).length().unwrap_err();
        assert!(matches!(fault, RowFault::Refused(Refusal::Leak { .. })), "{cell}: {fault}");
    }
    let huge = with("nk1", "1e300").length().unwrap_err();
    assert_eq!(huge.kind(), "too-many-counts");
}

#[test]
fn a_missing_cell_is_named_and_a_missing_delta_is_never_zero() {
    for name in ["mu3", "p1", "nk3", "nt1", "mt2", "leak", "eps_d", "eps_ev"] {
        let told = with(name, "").length().unwrap_err().to_string();
        assert!(told.contains(&format!("line 2, {name} is missing")), "{told}");
    }
    for name in ["delta1", "delta2"] {
        let told = with(name, "").length().unwrap_err().to_string();
        assert!(told.contains(name) && told.contains("calibration"), "{told}");
    }
    let unknown = with("bound", "lim\u{7}2015").length().unwrap_err();
    assert!(unknown.kind() == "bound" && unknown.to_string().contains("\"lim2015\""), "{unknown}");
    // One decoy: no third intensity, and the errors of the key basis.
    let third = with("bound", "wiesemann").length().unwrap_err();
    assert_eq!(third.kind(), "cell", "eps_sec is missing first: {third}");
}

#[test]
fn a_file_that_is_no_table_is_told_with_its_place() {
    let needle = |fault: TableFault, words: &[&str]| {
        let told = fault.to_string();
        assert_eq!(told.lines().count(), 1, "{told}");
        words.iter().for_each(|word| assert!(told.contains(word), "{word:?} in {told}"));
    };
    let fault = |text: &str| rows(text).expect_err("no table");
    needle(fault(""), &["no column mu1, mu2", "first line"]);
    needle(fault(&format!("{HEAD}\n")), &["no rows"]);
    needle(fault("[]"), &["no rows"]);
    needle(fault(&HEAD.replace(',', ";")), &["no column", "separated by commas"]);
    for end in ["\n", "\r\n", "\r\n\r\n"] {
        let line = 1 + 2 * end.matches('\n').count();
        let words = [format!("28 cells in line {line} "), "27".to_owned()];
        let text = format!("{HEAD}{end}{GOOD}{end}{GOOD},1{end}");
        needle(fault(&text), &[&words[0], &words[1]]);
        let good =
            rows(&format!("{HEAD}{end}{GOOD}{end}\"a{end}b\"{}{end}{GOOD}", &GOOD[1..])).unwrap();
        let lines: Vec<u64> = good.iter().map(Row::line).collect();
        let step = end.matches('\n').count() as u64;
        assert_eq!(lines, [1 + step, 1 + 2 * step, 1 + 4 * step]);
    }
    needle(fault(&format!("{HEAD},nk1\n{GOOD},1\n")), &["nk1 twice"]);
    needle(fault("[{\"nk1\": 1, \"nk1\": 2}]"), &["nk1 twice"]);
    needle(fault("[{\"nk1\": 1},\n {\"nk1\": }]"), &["line 2", "column"]);
    needle(fault("[{\"nk1\": NaN}]"), &["line 1"]);
    needle(fault("[{\"nk1\": [1]}]"), &["a number, a text or null"]);
    needle(fault("[3]"), &["an object for each block"]);
    needle(fault("[{\"nk1\": 1}] more"), &["line 1"]);
    needle(fault(&"[".repeat(100_000)), &["line 1"]);
    let mut bytes = format!("{HEAD}\n{GOOD}\n").into_bytes();
    bytes.push(0xFF);
    needle(read(&bytes, &mut |_| {}).unwrap_err(), &["line 3", "UTF-8"]);
    let long = vec![b' '; MAX_BYTES + 1];
    needle(read(&long, &mut |_| {}).unwrap_err(), &["64 MiB"]);
    let many = format!("[{}{{}}]", "{},".repeat(MAX_ROWS));
    let mut seen = 0;
    needle(read(many.as_bytes(), &mut |_| seen += 1).unwrap_err(), &["100 000 rows"]);
    assert_eq!(seen, MAX_ROWS);
}

/// A table with some of its bytes replaced.
fn mutilated() -> impl Strategy<Value = Vec<u8>> {
    let json = r#"[{"nk1": 5, "id": "é", "x": {"y": [null]}}, {}]"#.to_owned();
    let whole = prop_oneof![Just(format!("{HEAD}\n{GOOD}\n\"b\n\",{GOOD}")), Just(json)];
    (whole, proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6)).prop_map(
        |(text, changes)| {
            let mut bytes = text.into_bytes();
            changes.iter().for_each(|(at, to)| *at.get_mut(&mut bytes) = *to);
            bytes
        },
    )
}

proptest! {
    #[test]
    fn any_bytes_are_a_table_or_refused_in_one_line(
        bytes in prop_oneof![proptest::collection::vec(any::<u8>(), 0..400), mutilated()],
    ) {
        let mut told = Vec::new();
        let mut each = |row: Row| {
            told.push(row.id());
            told.extend(row.length().err().map(|fault| fault.to_string()));
        };
        let fault = read(&bytes, &mut each).err();
        told.extend(fault.map(|fault| fault.to_string()));
        for words in told {
            prop_assert!(words.lines().count() <= 1 && words.len() < 1000, "{words}");
        }
    }
}
