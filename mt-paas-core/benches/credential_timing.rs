//! Whether the time of a comparison tells where two digests differ.
//!
//! The method is that of dudect (Reparaz, Balasch, Verbauwhede 2017): two classes of inputs in random order, Welch's t-test
//! on their times, also with the slowest cut off. A |t| of 4.5 and more is a difference. Two controls must be told apart,
//! or the machine is too noisy to see anything: one byte after the other over the same 32 bytes, and `==` on slices. The
//! latter are longer, because processors compare 32 bytes in one go.
//!
//! `cargo bench -p mt-paas-core --bench credential_timing [-- <samples, 10000000>]`

use std::hint::black_box;
use std::time::Instant;

use mt_paas_core::Secret;
use mt_paas_core::auth::{ClientKey, KeyPurpose, TokenDigest};

/// Comparisons timed as one, since a single one is shorter than a tick of the clock.
const BATCH: usize = 32;

/// Samples of one round: their classes are drawn before, so that drawing is not timed.
const ROUND: usize = 10_000;

/// Parts of the samples, fastest first, that are tested too: what slows the machine down lies beyond them.
const PARTS: [f64; 4] = [1.0, 0.99, 0.9, 0.5];

fn main() {
    let samples = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(10_000_000);
    let digest = ClientKey::generate(KeyPurpose::Live).digest();
    let kept = *digest.as_bytes();
    let secret = Secret::new(kept);
    println!("{samples} samples of {BATCH} comparisons each");
    let ours = [
        test("digest of a token", samples, &kept, |other| digest == TokenDigest::from(*other)),
        test("market key (Secret)", samples, &kept, |other| secret.matches(other)),
    ];
    let long = [7; 1_024];
    let controls = [
        test("control: byte by byte", samples, &kept, |other| kept.iter().zip(other).all(|(one, other)| one == other)),
        test("control: == on slices", samples, &long, |other| black_box(&long[..]) == black_box(&other[..])),
    ];
    if controls.iter().any(|t| *t < 4.5) {
        println!("a control was not told apart: this run shows nothing");
    } else {
        println!("{}", if ours.iter().all(|t| *t < 4.5) { "no difference seen" } else { "A DIFFERENCE WAS SEEN" });
    }
}

/// Times comparisons with inputs that differ from `kept` in the first byte against ones that differ in the last.
fn test<const N: usize>(name: &str, samples: usize, kept: &[u8; N], equal: impl Fn(&[u8; N]) -> bool) -> f64 {
    let [mut first, mut last] = [*kept; 2];
    first[0] ^= 0xff;
    last[N - 1] ^= 0xff;
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let mut limits = [f64::INFINITY; PARTS.len()];
    let mut tests = [Welch::default(); PARTS.len()];
    for round in 0..=samples.div_ceil(ROUND) {
        let classes: Vec<usize> = (0..ROUND).map(|_| chance.bit()).collect();
        let times: Vec<(usize, f64)> = classes
            .iter()
            .map(|class| {
                let input = [&first, &last][*class];
                let began = Instant::now();
                for _ in 0..BATCH {
                    black_box(equal(black_box(input)));
                }
                (*class, began.elapsed().as_nanos() as f64)
            })
            .collect();
        if round == 0 {
            // The first round warms up and shows what is slow here.
            let mut sorted: Vec<f64> = times.iter().map(|(_, time)| *time).collect();
            sorted.sort_by(f64::total_cmp);
            for (limit, part) in limits.iter_mut().zip(PARTS).skip(1) {
                *limit = sorted[((ROUND - 1) as f64 * part) as usize];
            }
            continue;
        }
        for (class, time) in times {
            for (test, limit) in tests.iter_mut().zip(limits) {
                if time <= limit {
                    test.add(class, time);
                }
            }
        }
    }
    let most = tests.iter().map(|test| test.t().abs()).fold(0.0, f64::max);
    let means = tests[2].means().map(|mean| mean / BATCH as f64);
    println!("{name:<24} |t| {most:>9.2}   first byte {:.2} ns, last byte {:.2} ns", means[0], means[1]);
    most
}

/// Welch's t-test over two running means and variances.
#[derive(Clone, Copy, Default)]
struct Welch {
    count: [f64; 2],
    mean: [f64; 2],
    squares: [f64; 2],
}

impl Welch {
    fn add(&mut self, class: usize, value: f64) {
        self.count[class] += 1.0;
        let from_mean = value - self.mean[class];
        self.mean[class] += from_mean / self.count[class];
        self.squares[class] += from_mean * (value - self.mean[class]);
    }

    fn means(&self) -> [f64; 2] {
        self.mean
    }

    fn t(&self) -> f64 {
        let [one, other] = [0, 1].map(|class| self.squares[class] / (self.count[class] - 1.0) / self.count[class]);
        if one + other > 0.0 { (self.mean[0] - self.mean[1]) / (one + other).sqrt() } else { 0.0 }
    }
}

/// Which class is next: xorshift64, which the branch predictor cannot follow.
struct Chance(u64);

impl Chance {
    fn bit(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40 & 1) as usize
    }
}
