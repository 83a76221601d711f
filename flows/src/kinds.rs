//! Open families of kinds: maps, layers and bases that files name, of this crate or of another.
//!
//! A *kind* is a type of settings with a name; a *family* is what kinds of one sort have in common
//! ([`UnivariateKind`](crate::univariates::UnivariateKind), [`LayerKind`](crate::transforms::LayerKind),
//! [`BaseKind`](crate::densities::BaseKind)). A [`Setting`] holds settings of any kind of a family. In a file
//! it is a table that names its kind; it is read by the one list of kinds that the family has, to which
//! [`Setting::register`] adds.

use crate::error::{Error, Result};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

/// The settings of one kind, as files have them.
pub trait Kind: fmt::Debug + Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name in files.
    const NAME: &'static str;

    /// Small settings that the laws are tested with: one of each way in which the kind can be set.
    fn examples() -> Vec<Self>;
}

/// What settings of every kind can tell; each [`Kind`] can.
pub trait Described: fmt::Debug + Send + Sync + erased_serde::Serialize {
    /// The kind's name in files.
    fn name(&self) -> &'static str;

    /// The settings, to be taken for what they are.
    fn as_any(&self) -> &dyn Any;
}

impl<K: Kind> Described for K {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Kinds of one sort.
pub trait Family: Described {
    /// What one of them is called, for messages.
    const WHAT: &'static str;

    /// The kinds there are.
    fn registry() -> &'static Registry<Self>;
}

/// How settings of a kind are read, and made up for tests.
pub struct Entry<T: ?Sized> {
    name: &'static str,
    settings: TypeId,
    read: fn(Value) -> serde_json::Result<Setting<T>>,
    examples: fn() -> Vec<Setting<T>>,
}

impl<T: ?Sized> fmt::Debug for Entry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<T: ?Sized> Clone for Entry<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Entry<T> {}

impl<T: ?Sized> Entry<T> {
    /// That of the kind K.
    pub(crate) fn of<K: Kind>() -> Self
    where
        Setting<T>: From<K>,
    {
        Self {
            name: K::NAME,
            settings: TypeId::of::<K>(),
            read: |settings| serde_json::from_value::<K>(settings).map(Setting::from),
            examples: || K::examples().into_iter().map(Setting::from).collect(),
        }
    }
}

/// The kinds of a family by name.
pub struct Registry<T: ?Sized> {
    entries: RwLock<BTreeMap<&'static str, Entry<T>>>,
}

impl<T: ?Sized> Registry<T> {
    /// With these kinds to begin with.
    pub(crate) fn new(entries: &[Entry<T>]) -> Self {
        let entries = entries.iter().map(|entry| (entry.name, *entry)).collect();
        Self { entries: RwLock::new(entries) }
    }

    fn entries(&self) -> BTreeMap<&'static str, Entry<T>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<T: ?Sized> fmt::Debug for Registry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.entries().keys()).finish()
    }
}

/// Settings of any kind of a family; see the [module](self).
///
/// # Example
/// ```
/// use diffeo_flows::config::UnivariateConfig;
/// use diffeo_flows::univariates::Affine;
/// let setting: UnivariateConfig = toml::from_str("kind = 'affine'\nlog_scale_bound = 5.0")?;
/// assert_eq!(setting, Affine::new(5.0)?.into());
/// assert!(setting.of::<Affine>().is_some());
/// let error = toml::from_str::<UnivariateConfig>("kind = 'bspline'").unwrap_err().to_string();
/// assert!(error.contains("`bspline`") && error.contains("register"), "{error}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Setting<T: ?Sized>(Arc<T>);

impl<T: ?Sized> Setting<T> {
    /// Settings that are shared.
    pub(crate) fn new(settings: Arc<T>) -> Self {
        Self(settings)
    }
}

impl<T: Family + ?Sized + 'static> Setting<T> {
    /// Adds a kind to those that files may name. A second time changes nothing.
    ///
    /// # Errors
    /// [`Error::Config`] when another kind has the name.
    pub fn register<K: Kind>() -> Result<()>
    where
        Self: From<K>,
    {
        let entry = Entry::of::<K>();
        let mut entries = T::registry().entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.entry(K::NAME).or_insert(entry).settings == entry.settings {
            return Ok(());
        }
        let problem = format!("there is another {} called `{}`", T::WHAT, K::NAME);
        Err(Error::config("kind", problem, "give it a name of its own"))
    }

    /// The kind of that name with its default settings.
    ///
    /// # Errors
    /// [`Error::Config`] when there is none, or when it has a setting without a default.
    pub fn named(name: &str) -> Result<Self> {
        serde_json::from_value(serde_json::json!({ KIND: name })).map_err(|e| {
            let remedy = format!("take one of {}", Self::kinds().join(", "));
            Error::config(T::WHAT, e.to_string(), remedy)
        })
    }

    /// The names of the kinds there are.
    pub fn kinds() -> Vec<&'static str> {
        T::registry().entries().into_keys().collect()
    }

    /// The examples of each kind there is.
    pub fn examples() -> Vec<Self> {
        T::registry().entries().values().flat_map(|entry| (entry.examples)()).collect()
    }

    /// The settings of the kind K, if they are.
    pub fn of<K: Kind>(&self) -> Option<&K> {
        self.0.as_any().downcast_ref()
    }

    /// Changes settings of the kind K; whether they are.
    pub fn change<K: Kind>(&mut self, change: impl FnOnce(&mut K)) -> bool
    where
        Self: From<K>,
    {
        let Some(mut settings) = self.of::<K>().cloned() else { return false };
        change(&mut settings);
        *self = settings.into();
        true
    }
}

impl<T: ?Sized> Deref for Setting<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> Clone for Setting<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Described + ?Sized> fmt::Debug for Setting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Equal settings of one kind.
impl<T: Described + ?Sized> PartialEq for Setting<T> {
    fn eq(&self, other: &Self) -> bool {
        let same = || Some(serde_json::to_value(self).ok()? == serde_json::to_value(other).ok()?);
        self.0.name() == other.0.name() && same().unwrap_or(false)
    }
}

/// The key that names the kind.
const KIND: &str = "kind";

/// Settings beside their kind, in the order in which their type has them.
#[derive(Serialize)]
#[serde(bound = "")]
struct Named<'a, T: Described + ?Sized> {
    kind: &'static str,
    #[serde(flatten)]
    settings: Settings<'a, T>,
}

struct Settings<'a, T: ?Sized>(&'a T);

impl<T: Described + ?Sized> Serialize for Settings<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        erased_serde::serialize(self.0, to)
    }
}

impl<T: Described + ?Sized> Serialize for Setting<T> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        Named { kind: self.0.name(), settings: Settings(&*self.0) }.serialize(to)
    }
}

impl<'de, T: Family + ?Sized + 'static> Deserialize<'de> for Setting<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        let mut settings = Map::deserialize(from)?;
        let kind = settings.remove(KIND).ok_or_else(|| D::Error::missing_field(KIND))?;
        let kind = kind.as_str().ok_or_else(|| D::Error::custom("`kind` is a name"))?;
        let entries = T::registry().entries();
        let Some(entry) = entries.get(kind) else {
            let known: Vec<&str> = entries.keys().copied().collect();
            return Err(D::Error::custom(format_args!(
                "{UNKNOWN} {} `{kind}`: register it in the program that reads this, or update diffeo; known are {}",
                T::WHAT,
                known.join(", ")
            )));
        };
        (entry.read)(Value::Object(settings))
            .map_err(|e| D::Error::custom(format_args!("{} `{kind}`: {e}", T::WHAT)))
    }
}

/// What begins a message on a kind that is not known.
pub(crate) const UNKNOWN: &str = "unknown kind of";

#[cfg(test)]
mod tests {
    use crate::config::{LayerConfig, UnivariateConfig};
    use crate::kinds::Kind;
    use crate::univariate::Univariate;
    use crate::univariates::{Affine, Shift, UnivariateKind};
    use crate::{Error, Result};
    use serde::{Deserialize, Serialize};

    /// As files had them when kinds were an enum: the hash of a result depends on it.
    #[test]
    fn settings_are_written_in_the_order_of_their_type() {
        let text = r#"{"kind":"coupling","conditioned_on":"first","fixed_half":"unchanged","univariate":{"kind":"affine","log_scale_bound":5.0},"net":{"hidden":[8],"activation":"relu","residual":false}}"#;
        let layer: LayerConfig = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&layer).unwrap(), text);
        let shift: UnivariateConfig = Shift {}.into();
        assert_eq!(serde_json::to_string(&shift).unwrap(), r#"{"kind":"shift"}"#);
        assert_eq!(toml::to_string(&shift).unwrap(), "kind = \"shift\"\n");
    }

    #[derive(Debug, Clone, Serialize, Deserialize)]
    struct Other {}

    impl Kind for Other {
        const NAME: &'static str = "affine";

        fn examples() -> Vec<Self> {
            vec![Self {}]
        }
    }

    impl UnivariateKind for Other {
        fn build(&self) -> Result<Box<dyn Univariate>> {
            Ok(Box::new(Shift {}))
        }
    }

    #[test]
    fn a_name_belongs_to_one_kind() {
        UnivariateConfig::register::<Affine>().unwrap();
        let error = UnivariateConfig::register::<Other>().unwrap_err();
        assert!(matches!(&error, Error::Config { .. }) && error.to_string().contains("`affine`"));
        let text = serde_json::to_string(&UnivariateConfig::from(Other {})).unwrap();
        assert!(serde_json::from_str::<UnivariateConfig>(&text).is_err(), "a bound is missing");
    }

    #[test]
    fn settings_are_equal_by_kind_and_value() {
        let affine = |bound| UnivariateConfig::from(Affine::new(bound).unwrap());
        assert_eq!(affine(2.0), affine(2.0));
        assert_ne!(affine(2.0), affine(3.0));
        assert_ne!(affine(2.0), UnivariateConfig::from(Shift {}));
        let error = UnivariateConfig::named("bend").unwrap_err().to_string();
        assert!(error.contains("`bend`") && error.contains("logistic-mixture"), "{error}");
    }
}
