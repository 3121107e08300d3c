//! What must be equal in two files.

use helio_distill::parameters::Receiver;
use helio_sim::ReceiverKind;

use super::sim::SimConfig;
use super::station::StationConfig;

/// Names that parameters have at contact, and the keys behind them.
const KEYS: [(&str, &str); 26] = [
    ("bound", "protocol.bound"),
    ("single photons at least", "protocol.acceptance.single_photons"),
    ("phase error at most (1e-9)", "protocol.acceptance.phase_error"),
    ("leak (bits)", "protocol.acceptance.leak_bits"),
    ("mu (1e-9 photons a pulse)", "protocol.intensity mu (1e-9 photons)"),
    ("intensity weights / 4096", "protocol.intensity probability (/4096)"),
    ("intensity uncertainty (ppm)", "protocol.intensity_uncertainty"),
    ("Alice's key-basis weight / 4096", "protocol.alice_key_basis"),
    ("Bob's key-basis weight / 4096", "protocol.bob_key_basis"),
    ("slots per block", "protocol.slots_per_block"),
    ("sync spacing", "protocol.sync_spacing"),
    ("receiver", "protocol.receiver"),
    ("hold-off (ps)", "protocol.hold_off"),
    ("window (ps)", "protocol.window"),
    ("clock bound (slots)", "protocol.clock_bound"),
    ("detectors", "detectors.match"),
    ("delta1", "detectors.delta1"),
    ("delta2", "detectors.delta2"),
    ("calibration", "detectors.id"),
    ("calibration date", "detectors.date"),
    ("calibrated device", "detectors.device"),
    ("calibration valid (days)", "detectors.valid_days"),
    ("epsilon total", "protocol.epsilon"),
    ("code", "protocol.code"),
    ("round trips a block", "protocol.round_trip"),
    ("QBER margin (ppm)", "protocol.qber_margin"),
];

/// Every value that two stations must have equal and have not, in words: the key, here and there.
pub fn differences(a: &StationConfig, b: &StationConfig) -> Vec<String> {
    let mut found = Vec::new();
    let mut put = |name: &str, mine: &str, theirs: &str| {
        let key = KEYS.iter().find(|(n, _)| *n == name).map_or(name, |(_, key)| *key);
        let setting =
            |config: &StationConfig| config.settings().iter().find(|s| s.key == key).cloned();
        let written = [a, b].map(|config| setting(config).map(|s| s.value));
        // Written alike, it follows from another value that differs: a time in slots of the rate.
        if written[0].is_some() && written[0] == written[1] {
            return;
        }
        let said = |config: &StationConfig, value: &str| {
            let setting = setting(config);
            let value = setting.as_ref().map_or(value, |s| &s.value);
            let line = setting.as_ref().and_then(|s| s.line);
            let line = line.map_or(String::new(), |line| format!(" line {line}"));
            format!("{value} in {}{line}", config.path().display())
        };
        found.push(format!("`{key}` is {} and {}", said(a, mine), said(b, theirs)));
    };
    let (ours, others) = (a.protocol(), b.protocol());
    if ours.slot_rate != others.slot_rate {
        put("protocol.slot_rate", "", "");
    }
    if ours.sync_seed != others.sync_seed {
        put("protocol.sync_seed", "", "");
    }
    if ours.blocks_in_flight != others.blocks_in_flight {
        put("protocol.blocks_in_flight", "", "");
    }
    for difference in ours.parameters.differences(&others.parameters) {
        // ε and the detectors decide its split, and they are compared themselves.
        if !difference.field.starts_with("epsilon split") {
            put(&difference.field, &difference.mine, &difference.theirs);
        }
    }
    found
}

/// Every value of a station that simulated light cannot serve, in words.
pub fn unlike_light(station: &StationConfig, sim: &SimConfig) -> Vec<String> {
    let (scenario, path) = (sim.scenario(), station.path().display());
    let light = sim.path().display();
    let mut found = Vec::new();
    match station.slot_ticks(scenario.tick_length) {
        Ok(ticks) if ticks != scenario.slot_ticks => found.push(format!(
            "a slot has {ticks} ticks by `protocol.slot_rate` in {path} and {} by \
             `light.slot_rate` in {light}",
            scenario.slot_ticks
        )),
        Ok(_) => {}
        Err(fault) => found.push(fault.to_string()),
    }
    let active = matches!(station.protocol().parameters.receiver, Receiver::Active { .. });
    if active != (scenario.receiver == ReceiverKind::Active) {
        let word = |active| if active { "active" } else { "passive" };
        found.push(format!(
            "the receiver is {} by `protocol.receiver` in {path} and {} by `receiver.kind` in \
             {light}",
            word(active),
            word(!active)
        ));
    }
    found
}
