use candle_core::{DType, Device};
use diffeo_flows::FlowConfig;
use diffeo_flows::config::{BaseConfig, ContinuousConfig, LayerConfig, UnivariateConfig, recipes};
use diffeo_flows::densities::GaussianMixtureConfig;
use diffeo_flows::nets::{Activation, NetConfig};
use diffeo_flows::transforms::{
    ActNormConfig, CouplingConfig, ElementwiseConfig, FixedHalf, Half, InverseAutoregressiveConfig,
    LuLinearConfig, MaskedAutoregressiveConfig, ReverseConfig, RotationConfig, ShuffleConfig,
};
use diffeo_flows::univariates::{Affine, RationalQuadraticSpline};
use diffeo_flows::{Engine, Params, engine::Choice};

/// The end of every spline but those of the recipes.
pub(super) const TAIL_BOUND: f64 = 3.0;
/// Numbers of features; one, an even and odd ones, more than fit into any vector.
const SIZES: [usize; 5] = [1, 2, 3, 7, 43];
const CONTEXTS: [usize; 2] = [0, 2];
/// More layers are a deep flow.
const DEEP: usize = 8;
const COMPONENTS: [usize; 2] = [5, 33];

/// A flow to compare the tiers by.
pub(super) struct Case {
    /// The kind without sizes, such as `coupling spline first mapped`.
    pub(super) kind: String,
    pub(super) config: FlowConfig,
}

impl Case {
    fn new(kind: impl Into<String>, sizes: (usize, usize), layers: Vec<LayerConfig>) -> Self {
        let base = BaseConfig::default();
        let config = FlowConfig { features: sizes.0, context: sizes.1, layers, base };
        Self { kind: kind.into(), config }
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}|{}", self.kind, self.config.features, self.config.context)
    }

    /// Whether the slope of a map can change fast from one number to the next, or what one layer
    /// rounds off grows in many others.
    pub(super) fn is_steep(&self) -> bool {
        let deep = self.config.layers.len() > DEEP;
        let is_spline = |u: &UnivariateConfig| u.of::<RationalQuadraticSpline>().is_some();
        deep || self.config.layers.iter().filter_map(|layer| layer.univariate()).any(is_spline)
    }
}

/// The examples of every map that has a kernel.
fn univariates() -> Vec<UnivariateConfig> {
    let has_kernel = |univariate: &UnivariateConfig| {
        let layers = vec![ElementwiseConfig { univariate: univariate.clone() }.into()];
        let case = Case::new("kernel", (1, 0), layers);
        let mut params = Params::new(DType::F32, &Device::Cpu, 0);
        case.config.build(&mut params).unwrap();
        matches!(Engine::Auto.choose(&case.config, &params).unwrap(), Choice::Fast(_))
    };
    let all: Vec<_> = UnivariateConfig::examples().into_iter().filter(has_kernel).collect();
    assert!(all.len() >= 4, "{all:?}");
    all
}

/// Every activation, depth and residual blocks; widths that fill no vector, fewer units than
/// features among them.
fn nets() -> [NetConfig; 4] {
    let net = |hidden: &[usize], activation, residual| NetConfig {
        hidden: hidden.to_vec(),
        activation,
        residual,
    };
    [
        net(&[5], Activation::Relu, false),
        net(&[17, 17, 17], Activation::Silu, true),
        net(&[7, 13], Activation::Tanh, false),
        net(&[50, 2, 33], Activation::Silu, false),
    ]
}

fn sizes() -> impl Iterator<Item = (usize, usize)> {
    SIZES.into_iter().flat_map(|d| CONTEXTS.map(|k| (d, k)))
}

fn couplings() -> Vec<Case> {
    let mut cases = Vec::new();
    for univariate in univariates() {
        let name = univariate.name();
        for (half, conditioned_on) in [("first", Half::First), ("second", Half::Second)] {
            for (fixed, fixed_half) in
                [("unchanged", FixedHalf::Unchanged), ("mapped", FixedHalf::Mapped)]
            {
                for sizes in sizes().filter(|(d, _)| *d > 1) {
                    let net = nets()[cases.len() % 4].clone();
                    let univariate = univariate.clone();
                    let layer = CouplingConfig { conditioned_on, fixed_half, univariate, net };
                    let kind = format!("coupling {name} {half} {fixed}");
                    cases.push(Case::new(kind, sizes, vec![layer.into()]));
                }
            }
        }
    }
    cases
}

fn autoregressive() -> Vec<Case> {
    let mut cases = Vec::new();
    for univariate in univariates() {
        let name = univariate.name();
        for sizes in sizes() {
            for net in nets() {
                let univariate = univariate.clone();
                let layer = MaskedAutoregressiveConfig { univariate, net }.into();
                cases.push(Case::new(format!("autoregressive {name}"), sizes, vec![layer]));
            }
            let net = nets()[cases.len() % 4].clone();
            let layer = InverseAutoregressiveConfig { univariate: univariate.clone(), net }.into();
            cases.push(Case::new(format!("inverse-autoregressive {name}"), sizes, vec![layer]));
        }
    }
    cases
}

fn without_nets() -> Vec<Case> {
    let mut cases = Vec::new();
    for sizes in sizes() {
        for univariate in univariates() {
            let name = univariate.name();
            let layer = ElementwiseConfig { univariate }.into();
            cases.push(Case::new(format!("elementwise {name}"), sizes, vec![layer]));
        }
    }
    for d in SIZES {
        let plain: [LayerConfig; 4] = [
            ActNormConfig {}.into(),
            LuLinearConfig {}.into(),
            ReverseConfig {}.into(),
            ShuffleConfig {}.into(),
        ];
        for layer in plain {
            cases.push(Case::new(layer.name(), (d, 0), vec![layer]));
        }
        cases.push(Case::new("no layers", (d, 0), Vec::new()));
        let mixtures = COMPONENTS.map(|components| GaussianMixtureConfig { components }.into());
        for base in BaseConfig::examples().into_iter().chain(mixtures) {
            let mut case = Case::new(format!("base {base:?}"), (d, 0), Vec::new());
            case.config.base = base;
            cases.push(case);
        }
    }
    cases
}

/// Layers of every kind but the inverse-autoregressive one, on a mixture.
fn chains() -> Vec<Case> {
    let [relu, residual, tanh, _] = nets();
    let affine: UnivariateConfig = Affine::new(3.0).unwrap().into();
    let spline: UnivariateConfig = RationalQuadraticSpline::new(5, TAIL_BOUND).unwrap().into();
    let coupling = |conditioned_on, fixed_half, univariate: &UnivariateConfig, net: &NetConfig| {
        let (univariate, net) = (univariate.clone(), net.clone());
        CouplingConfig { conditioned_on, fixed_half, univariate, net }.into()
    };
    let layers = vec![
        ActNormConfig {}.into(),
        coupling(Half::First, FixedHalf::Mapped, &affine, &residual),
        ShuffleConfig {}.into(),
        LuLinearConfig {}.into(),
        RotationConfig { reflections: 3 }.into(),
        coupling(Half::Second, FixedHalf::Unchanged, &spline, &relu),
        ReverseConfig {}.into(),
        MaskedAutoregressiveConfig { univariate: affine, net: tanh }.into(),
        ElementwiseConfig { univariate: spline }.into(),
    ];
    let chain = |sizes| {
        let mut case = Case::new("chain of every kind", sizes, layers.clone());
        case.config.base = GaussianMixtureConfig { components: 5 }.into();
        case
    };
    sizes().filter(|(d, _)| *d > 1).map(chain).collect()
}

/// Every recipe of layers at its full size.
fn named() -> Vec<Case> {
    let mut cases = Vec::new();
    let continuous = |layer: &LayerConfig| layer.of::<ContinuousConfig>().is_some();
    for (name, recipe) in recipes().unwrap() {
        if recipe.block.iter().any(continuous) {
            continue;
        }
        for (d, k) in [(1, 0), (2, 0), (3, 2), (7, 0), (43, 2)] {
            let mut config = recipe.flow(d, k).unwrap();
            if recipe.components_up_to.is_some() {
                config.base = GaussianMixtureConfig { components: 5 }.into();
            }
            let needs_two = |layer: &LayerConfig| layer.least_features() > 1;
            if d > 1 || !config.layers.iter().any(needs_two) {
                cases.push(Case { kind: name.clone(), config });
            }
        }
    }
    cases
}

/// All flows.
pub(super) fn cases() -> Vec<Case> {
    [couplings(), autoregressive(), without_nets(), chains(), named()]
        .into_iter()
        .flatten()
        .collect()
}
