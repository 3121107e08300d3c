use super::*;
use crate::reconcile::draw::Draw;
use crate::reconcile::ldpc::ensemble::TABLE;

fn budget(frames: u64, row_in_deviations: f64) -> Budget {
    let shape = Shape { z: 768, rows: 28, columns: 165, ensemble: &TABLE[3] };
    Budget { frames, shape, frame_bits: 126_000, row_in_deviations }
}

#[test]
fn every_step_goes_on_and_the_last_ends_the_extension() {
    for rows in 16..=40 {
        let shape = Shape { z: 64, rows, columns: 100, ensemble: &TABLE[3] };
        let steps = steps(shape);
        assert!(steps[0] > 0 && steps.windows(2).all(|w| w[0] < w[1]), "{rows}: {steps:?}");
        assert_eq!(steps[ROUNDS - 1], rows / 2);
    }
}

#[test]
fn the_parts_of_failing_frames_make_a_whole() {
    for row in [0.1, 1.0, 3.0] {
        let disclosed = budget(8, row).disclosed();
        assert!(disclosed.iter().all(|(rows, part)| *rows > 0 && *part >= 0.0), "{disclosed:?}");
        assert!((disclosed.iter().map(|(_, part)| part).sum::<f64>() - 1.0).abs() < 1e-9);
    }
    assert!((upper_tail(FAILURE_AT) - FAILURE).abs() < 1e-4);
}

/// The quantile against drawing blocks.
#[test]
fn blocks_exceed_the_budget_as_seldom_as_said() {
    let mut draw = Draw::new(3);
    let mut uniform = || draw.next() as f64 / 2f64.powi(64);
    for (frames, row) in [(1, 1.2), (8, 1.2), (8, 0.6), (100, 1.2)] {
        let budget = budget(frames, row);
        let (rows, disclosed) = (budget.rows(), budget.disclosed());
        let blocks = 40_000;
        let mut exceeded = 0;
        for _ in 0..blocks {
            let mut used = 0;
            for _ in 0..frames {
                if uniform() < FAILURE {
                    let mut place = uniform();
                    let step = disclosed.iter().find(|(_, part)| {
                        place -= part;
                        place < 0.0
                    });
                    used += step.unwrap_or(&disclosed[ROUNDS]).0 as u64;
                }
            }
            exceeded += u32::from(used > rows);
        }
        // 40 expected at the most; 65 is four standard deviations beyond.
        assert!(exceeded < 65, "{frames} frames: {exceeded} of {blocks} beyond {rows} rows");
    }
}

#[test]
fn more_frames_cost_less_each() {
    let of_frame = |frames| budget(frames, 1.2).rows() as f64 / frames as f64;
    assert!(of_frame(1) > of_frame(8) && of_frame(8) > of_frame(100));
    assert!(of_frame(8_192) < 0.05);
}
