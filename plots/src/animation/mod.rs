//! Scenes after each other in one GIF.

mod encode;
mod film;
#[cfg(test)]
mod tests;

pub use film::Animation;
