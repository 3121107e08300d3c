//! The hosts' side of a run on one core: from recorded bytes of both device cables to sifted bits, and
//! from sifted bits to a key that both stations hold.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use helio_distill::parameters::{DetectorMatch, Parameters};
use helio_station::bench::Scenario;
use helio_tests::support::{Cable, HostSide, Recording, Stations, record};

/// One block of the default link.
fn scenario() -> Scenario {
    Scenario { blocks: 1, ..Scenario::default() }
}

/// Everything up to the estimate, which then finds no key: detectors so unequal that the bound
/// gives nothing.
fn hopeless(parameters: Parameters) -> Parameters {
    let detectors = DetectorMatch::Calibrated {
        delta1: 0.99,
        delta2: 0.99,
        id: "so unequal that the block ends after sifting".into(),
        date: "2026-11-24".into(),
        device: "virtual Bob".into(),
        valid_days: 365,
    };
    Parameters { detectors, ..parameters }
}

fn sift(recording: &Recording, scenario: &Scenario, parameters: &Parameters) -> Stations {
    let mut stations = Stations::new(parameters, scenario.seed);
    stations.connect();
    let mut host = HostSide::new(scenario);
    Cable::new(&recording.alice).play(|event| host.alice(&event, &mut stations.alice));
    Cable::new(&recording.bob).play(|event| host.bob(&event, &mut stations.bob));
    host.end(&mut stations.bob);
    stations.talk();
    stations
}

fn benches(c: &mut Criterion) {
    let scenario = scenario();
    let parameters = scenario.parameters().expect("the defaults are in range");
    let recording = record(&scenario);
    let host = HostSide::hear(&recording, &scenario);

    let mut group = c.benchmark_group("pipeline");
    group.sample_size(10);
    let without_key = hopeless(parameters.clone());
    let sifted = sift(&recording, &scenario, &without_key).sifted();
    assert!(sifted.key_bits > 0 && sifted.length == 0, "{sifted:?}");
    group.throughput(Throughput::Elements(host.tags));
    group.bench_function("bytes of both cables to sifted bits, tags", |b| {
        b.iter(|| black_box(sift(&recording, &scenario, &without_key)));
    });

    let prepared = || {
        let mut stations = Stations::new(&parameters, scenario.seed);
        stations.connect();
        stations
    };
    let distil = |mut stations: Stations| {
        host.give(&mut stations);
        stations.talk();
        stations
    };
    let made = distil(prepared()).sifted();
    assert!(made.length > 0, "{made:?}");
    group.throughput(Throughput::Elements(made.key_bits));
    group.bench_function("detections to key, both stations, sifted bits", |b| {
        b.iter_batched(prepared, distil, BatchSize::PerIteration);
    });
    for (name, side) in [("Alice", 0), ("Bob", 1)] {
        group.bench_function(format!("detections to key, {name} alone, sifted bits"), |b| {
            b.iter_custom(|rounds| {
                let begun = Instant::now();
                let spent: Duration = (0..rounds).map(|_| distil(prepared()).spent[side]).sum();
                assert!(spent < begun.elapsed());
                spent
            });
        });
    }
    group.finish();
}

criterion_group!(pipeline, benches);
criterion_main!(pipeline);
