//! What a station's account says, as figures: how fast each stage was, what it waited for.

use std::time::Duration;

use helio_distill::Stage;
use serde::Serialize;

use crate::meter::{Account, Doing};

/// One stage at one station. Throughput is in sifted bits of the key basis, for every stage alike, so
/// that times add up.
#[derive(Clone, Debug, Serialize)]
pub struct StageFigures {
    /// Which one; `transport` is the line.
    pub stage: &'static str,
    /// 10⁶ sifted bits a second of the wall's time in this stage; `None` where it took none.
    pub mbit_per_s: Option<f64>,
    /// The same of the threads' own time.
    pub cpu_mbit_per_s: Option<f64>,
    /// Time in the stage.
    pub wall_s: f64,
    /// The threads' own time in it.
    pub cpu_s: f64,
    /// Time without anything to do until this stage could begin.
    pub wait_s: f64,
    /// Mean number of things that waited when one was taken.
    pub queue_mean: f64,
    /// Most of them.
    pub queue_most: u64,
}

/// All of a station.
#[derive(Clone, Debug, Serialize)]
pub struct StationFigures {
    /// In the order of the work.
    pub stages: Vec<StageFigures>,
    /// All stages and the line together, of the threads' own time.
    pub cpu_mbit_per_s: Option<f64>,
    /// The threads' own time.
    pub cpu_s: f64,
    /// Time without anything to do.
    pub idle_s: f64,
    /// Messages and bytes that it sent.
    pub messages: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// 10⁶ bits a second.
pub(crate) fn rate(bits: u64, time: Duration) -> Option<f64> {
    (bits > 0 && !time.is_zero()).then(|| bits as f64 / 1e6 / time.as_secs_f64())
}

impl StationFigures {
    /// From an account of work on so many sifted bits.
    pub(crate) fn new(account: &Account, bits: u64, [messages, bytes]: [u64; 2]) -> StationFigures {
        let of_stages = Stage::ALL.into_iter().map(|stage| StageFigures {
            wait_s: account.waited(stage).as_secs_f64(),
            queue_mean: account.depths(stage).mean(),
            queue_most: account.depths(stage).most,
            ..figures(stage.name(), account, Doing::Stage(stage), bits)
        });
        let mut stages: Vec<_> = of_stages.collect();
        stages.push(figures("transport", account, Doing::Line, bits));
        StationFigures {
            stages,
            cpu_mbit_per_s: rate(bits, account.cpu()),
            cpu_s: account.cpu().as_secs_f64(),
            idle_s: account.spent(Doing::Waiting).wall.as_secs_f64(),
            messages,
            bytes,
        }
    }
}

fn figures(stage: &'static str, account: &Account, doing: Doing, bits: u64) -> StageFigures {
    let spent = account.spent(doing);
    StageFigures {
        stage,
        mbit_per_s: rate(bits, spent.wall),
        cpu_mbit_per_s: rate(bits, spent.cpu),
        wall_s: spent.wall.as_secs_f64(),
        cpu_s: spent.cpu.as_secs_f64(),
        wait_s: 0.0,
        queue_mean: 0.0,
        queue_most: 0,
    }
}
