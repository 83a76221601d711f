//! Scenes after each other in one GIF.

mod encode;
mod film;
mod median_cut;
mod palette;
#[cfg(test)]
mod tests;

pub use film::Animation;
