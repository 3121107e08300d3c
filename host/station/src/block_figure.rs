//! QBER and key rate over time, block by block: the picture of a run.

use helio_distill::ErrorRate;

use crate::plot::{Axis, Figure, Layer, Panel, Range};

/// One block in the picture.
#[derive(Clone, Debug)]
pub struct BlockPoint {
    /// Begin of the block in seconds.
    pub begin_s: f64,
    /// Its length in seconds.
    pub seconds: f64,
    /// Error rates of the test basis in equal parts of the block.
    pub test: Vec<ErrorRate>,
    /// Error rate of the key basis, where it is known.
    pub key: Option<ErrorRate>,
    /// Length of its key in bits.
    pub key_bits: u64,
}

/// What the link's model foresees.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// Error rate of the test basis.
    pub qber: f64,
    /// Key in bit/s.
    pub key_bits_per_s: f64,
}

/// Two panels over `time`.
pub fn figure(time: &str, blocks: &[BlockPoint], expected: Option<Expected>) -> Figure {
    let mut test = Vec::new();
    let mut key = Vec::new();
    let mut edges = vec![blocks.first().map_or(0.0, |block| block.begin_s)];
    let mut rates = Vec::new();
    for block in blocks {
        for (i, rate) in block.test.iter().enumerate() {
            let part = (i as f64 + 0.5) / block.test.len() as f64;
            test.extend(mark(block.begin_s + block.seconds * part, rate));
        }
        let middle = block.begin_s + block.seconds / 2.0;
        key.extend(block.key.as_ref().and_then(|rate| mark(middle, rate)));
        // Blocks that left no report leave a hole without key.
        if let Some(last) = edges.last()
            && block.begin_s > last + block.seconds / 2.0
        {
            edges.push(block.begin_s);
            rates.push(0.0);
        }
        edges.push(block.begin_s + block.seconds);
        rates.push(block.key_bits as f64 / block.seconds);
    }
    let axis = || Axis {
        label: time.into(),
        unit: "s",
        range: Range::Fixed(edges[0], edges[edges.len() - 1].max(edges[0] + 1e-9)),
    };
    let parts = blocks.iter().map(|block| block.test.len()).max().unwrap_or(0);
    let test_label = match parts {
        0 | 1 => "test basis, whole blocks".to_owned(),
        20 => "test basis, twentieths of a block".to_owned(),
        parts => format!("test basis, {parts} parts of a block"),
    };
    let mut errors =
        vec![Layer::marks(test_label, test), Layer::marks("key basis, whole blocks", key)];
    let mut keys = vec![Layer::step("made", edges.clone(), rates)];
    if let Some(expected) = expected {
        errors.push(Layer::level("expected", 100.0 * expected.qber));
        keys.push(Layer::level("expected", expected.key_bits_per_s));
    }
    Figure::new(vec![
        Panel {
            title: "Errors".into(),
            x: axis(),
            y: Axis { label: "QBER".into(), unit: "%", range: Range::FromZero },
            layers: errors,
        },
        Panel {
            title: "Final key, block by block".into(),
            x: axis(),
            y: Axis { label: "key rate".into(), unit: "bit/s", range: Range::FromZero },
            layers: keys,
        },
    ])
}

/// Time, rate and standard error in percent.
fn mark(at_s: f64, rate: &ErrorRate) -> Option<(f64, f64, f64)> {
    let value = rate.rate?;
    let error = (value * (1.0 - value) / rate.bits as f64).sqrt();
    Some((at_s, 100.0 * value, 100.0 * error))
}
