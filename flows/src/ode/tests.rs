//! Solvers and gradients against closed forms and central differences.

mod divergences;
mod flows;
mod gradients;
mod solvers;
