use super::*;
use proptest::prelude::*;
use serde_json::json;

fn read(value: &Value) -> Result<Status, AskFault> {
    read_line(Path::new("bob"), value.to_string().as_bytes())
}

#[test]
fn another_version_an_error_and_nonsense_are_told_apart() {
    assert!(matches!(read(&json!({"version": 3})), Err(AskFault::Version { found: 3, .. })));
    let refused = read(&json!({"error": "too many"})).unwrap_err().to_string();
    assert!(refused.contains("too many"), "{refused}");
    assert!(matches!(read(&json!({"version": "1"})), Err(AskFault::NoStatus { .. })));
    assert!(matches!(read(&json!([])), Err(AskFault::NoStatus { .. })));
    assert!(matches!(read_line(Path::new("bob"), b"HTTP"), Err(AskFault::NoStatus { .. })));
}

#[test]
fn what_another_release_does_not_send_takes_its_default() {
    let status = read(&json!({"version": 2, "ready": true, "news": [1], "pads": {"void": true}}));
    let status = status.unwrap();
    assert!(status.ready && status.pads.void);
    assert_eq!(Status { ready: false, pads: Default::default(), ..status }, Status::default());
}

#[test]
fn texts_do_not_steer_the_terminal_and_lists_are_short() {
    let mut status = Status::default();
    status.station.peer = "al\u{1b}[2Jice\n".into();
    status.rates.key_bits_per_s = f64::NAN;
    status.queues = vec![super::super::Queue::default(); 100];
    let line = serde_json::to_vec(&status).unwrap();
    let read = read_line(Path::new("bob"), &line).unwrap();
    assert_eq!(read.station.peer, "al [2Jice ");
    assert_eq!(read.rates.key_bits_per_s, 0.0);
    assert_eq!(read.queues.len(), 16);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from);
        let some = prop::sample::subsequence(vec!["rates", "detectors", "spent", "depth"], 0..4);
        let object = (some, prop::collection::vec(inner, 4)).prop_map(|(names, values)| {
            Value::Object(names.into_iter().map(str::to_owned).zip(values).collect())
        });
        prop_oneof![list, object]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
        let _ = read_line(Path::new("bob"), &bytes);
    }

    /// Every field of a whole status, one after the other, replaced by anything: what is read can be
    /// shown, in every view.
    #[test]
    fn whatever_is_read_can_be_shown(field in any::<prop::sample::Index>(), value in any_json()) {
        let mut whole = serde_json::to_value(Status::default()).unwrap();
        let fields = whole.as_object_mut().unwrap();
        let name = field.get(&fields.keys().cloned().collect::<Vec<_>>()).clone();
        fields.insert(name, value);
        if let Ok(status) = read(&whole) {
            let page = super::super::view::page(&status);
            prop_assert!(page.chars().all(|c| c == '\n' || !c.is_control()));
            prop_assert!(!super::super::view::line(&status).contains('\n'));
        }
    }
}
