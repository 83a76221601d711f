//! Butcher tableaux: a Runge-Kutta method is one constant.

/// An explicit Runge-Kutta method.
///
/// kᵢ = f(t + cᵢ h, y + h Σⱼ aᵢⱼ kⱼ), y⁺ = y + h Σᵢ bᵢ kᵢ, and the error is estimated as
/// h Σᵢ eᵢ kᵢ with e = b − b̂ for embedded weights b̂.
///
/// Hairer, Nørsett and Wanner 1993, *Solving Ordinary Differential Equations I*, section II.1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tableau {
    /// What the method is called.
    pub name: &'static str,
    /// Rows of the strictly lower triangle, the first one empty.
    pub a: &'static [&'static [f64]],
    /// Weights of the new state.
    pub b: &'static [f64],
    /// Weights e of the error estimate; none for methods of fixed steps.
    pub b_error: Option<&'static [f64]>,
    /// Times of the stages, as shares of the step.
    pub c: &'static [f64],
    /// Order p: the global error is O(hᵖ).
    pub order: usize,
    /// Order p̂ of the embedded method: the estimate is O(hᵖ̂⁺¹). 0 where there is none.
    pub error_order: usize,
    /// Whether the last stage is the first one of the next step.
    pub first_same_as_last: bool,
}

impl Tableau {
    /// Number of stages.
    pub fn stages(&self) -> usize {
        self.b.len()
    }

    /// Number of leading stages that the new state is made of; only an error estimate needs more.
    pub(super) fn stages_of_state(&self) -> usize {
        self.b.iter().rposition(|b| *b != 0.0).map_or(0, |last| last + 1)
    }
}

/// Euler 1768.
pub const EULER: Tableau = Tableau {
    name: "euler",
    a: &[&[]],
    b: &[1.0],
    b_error: None,
    c: &[0.0],
    order: 1,
    error_order: 0,
    first_same_as_last: false,
};

/// The midpoint rule, Runge 1895.
pub const MIDPOINT: Tableau = Tableau {
    name: "midpoint",
    a: &[&[], &[0.5]],
    b: &[0.0, 1.0],
    b_error: Some(&[-1.0, 1.0]),
    c: &[0.0, 0.5],
    order: 2,
    error_order: 1,
    first_same_as_last: false,
};

/// The trapezoidal rule, Heun 1900, with Euler's embedded.
pub const HEUN: Tableau = Tableau {
    name: "heun",
    a: &[&[], &[1.0]],
    b: &[0.5, 0.5],
    b_error: Some(&[-0.5, 0.5]),
    c: &[0.0, 1.0],
    order: 2,
    error_order: 1,
    first_same_as_last: false,
};

/// The classical method, Kutta 1901.
pub const RK4: Tableau = Tableau {
    name: "rk4",
    a: &[&[], &[0.5], &[0.0, 0.5], &[0.0, 0.0, 1.0]],
    b: &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0],
    b_error: None,
    c: &[0.0, 0.5, 0.5, 1.0],
    order: 4,
    error_order: 0,
    first_same_as_last: false,
};

/// Bogacki and Shampine 1989, *A 3(2) pair of Runge-Kutta formulas*.
pub const BOSH3: Tableau = Tableau {
    name: "bosh3",
    a: &[&[], &[0.5], &[0.0, 0.75], &[2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0]],
    b: &[2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0, 0.0],
    b_error: Some(&[-5.0 / 72.0, 1.0 / 12.0, 1.0 / 9.0, -0.125]),
    c: &[0.0, 0.5, 0.75, 1.0],
    order: 3,
    error_order: 2,
    first_same_as_last: true,
};

/// Dormand and Prince 1980, *A family of embedded Runge-Kutta formulae*.
pub const DOPRI5: Tableau = Tableau {
    name: "dopri5",
    a: &[
        &[],
        &[0.2],
        &[3.0 / 40.0, 9.0 / 40.0],
        &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
        &[19_372.0 / 6561.0, -25_360.0 / 2187.0, 64_448.0 / 6561.0, -212.0 / 729.0],
        &[9017.0 / 3168.0, -355.0 / 33.0, 46_732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18_656.0],
        &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
    ],
    b: &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0, 0.0],
    b_error: Some(&[
        71.0 / 57_600.0,
        0.0,
        -71.0 / 16_695.0,
        71.0 / 1920.0,
        -17_253.0 / 339_200.0,
        22.0 / 525.0,
        -1.0 / 40.0,
    ]),
    c: &[0.0, 0.2, 0.3, 0.8, 8.0 / 9.0, 1.0, 1.0],
    order: 5,
    error_order: 4,
    first_same_as_last: true,
};

/// Tsitouras 2011, *Runge-Kutta pairs of order 5(4) satisfying only the first column simplifying
/// assumption*, table 1; the last error weight has the sign that makes the weights sum to 0.
pub const TSIT5: Tableau = Tableau {
    name: "tsit5",
    a: &[
        &[],
        &[0.161],
        &[-0.008_480_655_492_357, 0.335_480_655_492_357],
        &[2.897_153_057_105_494, -6.359_448_489_975_075, 4.362_295_432_869_581],
        &[
            5.325_864_828_439_259,
            -11.748_883_564_062_83,
            7.495_539_342_889_836,
            -0.092_495_066_361_755_25,
        ],
        &[
            5.861_455_442_946_42,
            -12.920_969_317_847_11,
            8.159_367_898_576_159,
            -0.071_584_973_281_401,
            -0.028_269_050_394_068_38,
        ],
        &[B[0], B[1], B[2], B[3], B[4], B[5]],
    ],
    b: &B,
    b_error: Some(&[
        0.001_780_011_052_226,
        0.000_816_434_459_657,
        -0.007_880_878_010_262,
        0.144_711_007_173_263,
        -0.582_357_165_452_555,
        0.458_082_105_929_187,
        -1.0 / 66.0,
    ]),
    c: &[0.0, 0.161, 0.327, 0.9, 0.980_025_540_904_509_7, 1.0, 1.0],
    order: 5,
    error_order: 4,
    first_same_as_last: true,
};

/// The weights of [`TSIT5`].
const B: [f64; 7] = [
    0.096_460_766_818_065_23,
    0.01,
    0.479_889_650_414_499_6,
    1.379_008_574_103_742,
    -3.290_069_515_436_081,
    2.324_710_524_099_774,
    0.0,
];

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Tableau; 7] = [EULER, MIDPOINT, HEUN, RK4, BOSH3, DOPRI5, TSIT5];
    /// Of coefficients with 16 digits.
    const TOLERANCE: f64 = 1e-14;
    /// The published error weights of Tsitouras have 15 decimals.
    const EMBEDDED_TOLERANCE: f64 = 1e-13;

    /// The largest violation of the 17 order conditions up to `order`, Hairer II.2, table 2.2.
    fn violation(tableau: &Tableau, b: &[f64], order: usize) -> f64 {
        let c = tableau.c;
        let ones = vec![1.0; c.len()];
        let a = |v: &[f64]| -> Vec<f64> {
            tableau.a.iter().map(|row| row.iter().zip(v).map(|(a, v)| a * v).sum()).collect()
        };
        let times =
            |v: &[f64], w: &[f64]| -> Vec<f64> { v.iter().zip(w).map(|(v, w)| v * w).collect() };
        let c2 = times(c, c);
        let c3 = times(&c2, c);
        let (ac, ac2) = (a(c), a(&c2));
        let conditions = [
            (1, ones, 1.0),
            (2, c.to_vec(), 2.0),
            (3, c2.clone(), 3.0),
            (3, ac.clone(), 6.0),
            (4, c3.clone(), 4.0),
            (4, times(c, &ac), 8.0),
            (4, ac2.clone(), 12.0),
            (4, a(&ac), 24.0),
            (5, times(&c2, &c2), 5.0),
            (5, times(&c2, &ac), 10.0),
            (5, times(&ac, &ac), 20.0),
            (5, times(c, &ac2), 15.0),
            (5, a(&c3), 20.0),
            (5, times(c, &a(&ac)), 30.0),
            (5, a(&times(c, &ac)), 40.0),
            (5, a(&ac2), 60.0),
            (5, a(&a(&ac)), 120.0),
        ];
        let errors = conditions
            .iter()
            .filter(|(p, ..)| *p <= order)
            .map(|(_, v, inverse)| (times(b, v).iter().sum::<f64>() - 1.0 / inverse).abs());
        errors.fold(0.0, f64::max)
    }

    #[test]
    fn rows_sum_to_their_times() {
        for tableau in ALL {
            assert_eq!((tableau.a.len(), tableau.c.len()), (tableau.stages(), tableau.stages()));
            for (i, (row, c)) in tableau.a.iter().zip(tableau.c).enumerate() {
                assert_eq!(row.len(), i);
                assert!((row.iter().sum::<f64>() - c).abs() < TOLERANCE, "{} {i}", tableau.name);
            }
            let last = tableau.a[tableau.stages() - 1];
            let same = last == &tableau.b[..tableau.stages() - 1] && tableau.stages() > 1;
            assert_eq!(tableau.first_same_as_last, same, "{}", tableau.name);
        }
    }

    #[test]
    fn weights_meet_the_order_conditions() {
        for tableau in ALL {
            let at = |order| violation(&tableau, tableau.b, order);
            assert!(at(tableau.order) < TOLERANCE, "{} {}", tableau.name, at(tableau.order));
            if tableau.order < 5 {
                assert!(at(tableau.order + 1) > 1e-3, "{} is better than said", tableau.name);
            }
        }
    }

    #[test]
    fn embedded_weights_meet_theirs() {
        for tableau in ALL {
            let Some(error) = tableau.b_error else { continue };
            let embedded: Vec<f64> = tableau.b.iter().zip(error).map(|(b, e)| b - e).collect();
            let at = |order| violation(&tableau, &embedded, order);
            let order = tableau.error_order;
            assert!(at(order) < EMBEDDED_TOLERANCE, "{} {}", tableau.name, at(order));
            assert!(at(order + 1) > 1e-5, "{} {}", tableau.name, at(order + 1));
        }
    }
}
