//! Solvers and gradients against closed forms and central differences.

mod flows;
mod gradients;
mod solvers;
