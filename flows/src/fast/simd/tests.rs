//! Every method at every level against plain numbers.

use super::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Numbers that instructions may treat in their own way, among ordinary ones.
const NUMBERS: [f32; 20] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    3.25,
    -17.75,
    1e-30,
    -1e30,
    1234.567,
    f32::MIN_POSITIVE,
    f32::MAX,
    8_388_607.5,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
];

fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

fn lanes<S: Simd>(s: S, vector: S::F) -> Vec<f32> {
    let mut lanes = vec![0.0; S::LANES];
    s.store_slice(vector, &mut lanes);
    lanes
}

/// All triples of numbers, a vector at a time.
fn triples<S: Simd>(s: S, mut check: impl FnMut([f32; 3], [S::F; 3], usize)) {
    let count = NUMBERS.len().pow(3);
    let number = |i: usize, place: u32| NUMBERS[i / NUMBERS.len().pow(place) % NUMBERS.len()];
    for start in (0..count).step_by(S::LANES) {
        let vectors = [0, 1, 2].map(|place| {
            let lanes: Vec<f32> = (0..S::LANES).map(|i| number(start + i, place)).collect();
            s.load_slice(&lanes)
        });
        for lane in 0..S::LANES {
            check([0, 1, 2].map(|place| number(start + lane, place)), vectors, lane);
        }
    }
}

fn arithmetic<S: Simd>(s: S) {
    triples(s, |[a, b, c], [va, vb, vc], i| {
        let is = |name: &str, got: S::F, expected: f32| {
            let got = lanes(s, got)[i];
            assert!(same(got, expected), "{name} of {a} {b} {c}: {got} for {expected}");
        };
        is("add", s.add(va, vb), a + b);
        is("sub", s.sub(va, vb), a - b);
        is("mul", s.mul(va, vb), a * b);
        is("div", s.div(va, vb), a / b);
        is("sqrt", s.sqrt(va), a.sqrt());
        is("abs", s.abs(va), a.abs());
        is("splat", s.splat(a), a);
        // One rounding or two.
        let got = lanes(s, s.mul_add(va, vb, vc))[i];
        assert!(same(got, a.mul_add(b, c)) || same(got, a * b + c), "{a} {b} {c}: {got}");
        let got = lanes(s, s.neg_mul_add(va, vb, vc))[i];
        assert!(same(got, (-a).mul_add(b, c)) || same(got, c - a * b), "{a} {b} {c}: {got}");
    });
}

fn comparisons<S: Simd>(s: S) {
    triples(s, |[a, b, c], [va, vb, vc], i| {
        let is = |name: &str, got: S::F, expected: f32| {
            let got = lanes(s, got)[i];
            assert!(same(got, expected), "{name} of {a} {b} {c}: {got} for {expected}");
        };
        is("less", s.select(s.less(va, vb), va, vc), if a < b { a } else { c });
        is("at most", s.select(s.at_most(va, vb), va, vc), if a <= b { a } else { c });
        let [max, min] = [s.max(va, vb), s.min(va, vb)].map(|got| lanes(s, got)[i]);
        if a.is_nan() || b.is_nan() {
            assert!(same(max, b) && same(min, b), "extremes of {a} {b}: {max} {min}");
        } else {
            // Which of two zeros it is is left open.
            let equal =
                |got: f32, expected: f32| (got - expected).abs() <= 0.0 || same(got, expected);
            let right = equal(max, a.max(b)) && equal(min, a.min(b));
            assert!(right, "extremes of {a} {b}: {max} {min}");
        }
    });
}

fn whole_numbers<S: Simd>(s: S) {
    for a in NUMBERS.into_iter().chain((-80..80).map(|i| i as f32 * 0.25 + 0.1)) {
        let got = lanes(s, s.round(s.splat(a)))[0];
        assert!(same(got, a.round_ties_even()), "round {a}: {got}");
    }
    for a in (0..400).map(|i| 1.0 + 0.37 * (i * i) as f32).chain([2f32.powi(100)]) {
        let got = lanes(s, s.reciprocal(s.splat(a)))[0];
        assert!((got * a - 1.0).abs() < 3e-7, "1 / {a}: {got}");
    }
    for n in -126..=127i16 {
        let got = lanes(s, s.scale(s.splat(1.25), s.splat(f32::from(n))))[0];
        assert!(same(got, 1.25 * f32::from(n).exp2()), "1.25 2^{n}: {got}");
        let got = lanes(s, s.power_of_two(s.splat(f32::from(n))))[0];
        assert!(same(got, f32::from(n).exp2()), "2^{n}: {got}");
        for m in [1.0, 1.25, 2f32.next_down()] {
            let (e, got) = s.split(s.splat(m * f32::from(n).exp2()));
            let (e, got) = (lanes(s, e)[0], lanes(s, got)[0]);
            assert!(same(e, f32::from(n)) && same(got, m), "{m} 2^{n}: {got} 2^{e}");
        }
    }
}

fn moves<S: Simd>(s: S) {
    assert_eq!(S::VECTORS * S::LANES, ROWS);
    let from = Column(std::array::from_fn(|r| r as f32));
    let mut to = Column::splat(-1.0);
    for v in 0..S::VECTORS {
        let vector = s.load(&from, v);
        assert_eq!(lanes(s, vector), from.0[v * S::LANES..(v + 1) * S::LANES]);
        assert_eq!(lanes(s, s.load_slice(&from.0[v..])), from.0[v..v + S::LANES]);
        s.store(vector, &mut to, v);
        assert_eq!(to.0[..(v + 1) * S::LANES], from.0[..(v + 1) * S::LANES]);
        assert!(to.0[(v + 1) * S::LANES..].iter().all(|x| *x < 0.0), "a store writes its lanes");
        let sum: f32 = lanes(s, vector).iter().sum();
        assert!(same(s.sum(vector), sum), "small whole numbers add up exactly");
    }
}

fn panics<T>(f: impl FnOnce() -> T) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

fn too_short<S: Simd>(s: S) {
    for len in 0..S::LANES {
        // As long as it says, so that tools see what is read or written beyond.
        let mut short = vec![0.0; len].into_boxed_slice();
        assert!(panics(|| s.load_slice(&short)));
        assert!(panics(|| s.store_slice(s.splat(1.0), &mut short)));
        assert!(short.iter().all(|x| same(*x, 0.0)), "a store that fails writes nothing");
    }
    let mut column = Column::ZERO;
    assert!(panics(|| s.load(&column, S::VECTORS)));
    assert!(panics(|| s.store(s.splat(1.0), &mut column, S::VECTORS)));
    assert_eq!(column, Column::ZERO);
}

fn adding_the_first<S: Simd>(s: S) {
    let vector = s.load_slice(&std::array::from_fn::<f32, ROWS, _>(|i| 1.0 + i as f32));
    for len in 0..=S::LANES + 1 {
        let expected = |i: usize| if i < len.min(S::LANES) { 101.0 + i as f32 } else { 100.0 };
        let mut all = vec![100.0; 3 * S::LANES];
        s.add_first(vector, &mut all[..len]);
        assert!(all.iter().enumerate().all(|(i, x)| same(*x, expected(i))), "{len}: {all:?}");
        let mut alone = vec![100.0; len].into_boxed_slice();
        s.add_first(vector, &mut alone);
        assert_eq!(alone[..], all[..len]);
    }
}

fn turning<S: Simd>(s: S) {
    let entry = |c: usize, r: usize| (c * ROWS + r) as f32;
    for columns in 0..=ROWS {
        let from: Vec<Column> =
            (0..columns).map(|c| Column(std::array::from_fn(|r| entry(c, r)))).collect();
        let mut to = [Column::splat(f32::NAN); ROWS];
        s.transpose(&from, &mut to);
        for (r, row) in to.iter().enumerate() {
            for c in 0..columns {
                assert!(same(row.0[c], entry(c, r)), "{columns} columns, row {r}, column {c}");
            }
        }
    }
}

vectorised! {
    fn check<S>(s) {
        arithmetic(s);
        comparisons(s);
        whole_numbers(s);
        moves(s);
        too_short(s);
        adding_the_first(s);
        turning(s);
    }
}

#[test]
fn every_method_agrees_with_plain_numbers() {
    for level in Level::available() {
        check(level);
    }
}

#[test]
fn levels_are_named_and_the_best_comes_first() {
    let names: Vec<&str> = Level::available().iter().map(|level| level.name()).collect();
    assert_eq!(names.last(), Some(&"portable"));
    assert_eq!(names.first(), Some(&Level::best().name()));
    let expected: &[&str] = &["avx512", "avx2", "neon", "portable"];
    let places = names.iter().map(|name| expected.iter().position(|other| other == name));
    assert!(places.clone().all(|place| place.is_some()) && places.is_sorted(), "{names:?}");
}
