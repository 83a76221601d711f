//! Trains any objective: AdamW, learning-rate schedule, clipping, averaged weights, early stopping,
//! checkpoints that resume bit for bit.

mod adamw;
mod config;
mod observer;
mod order;
mod schedule;
mod score;
mod state;
mod steps;
mod trainer;

pub use adamw::AdamW;
pub use config::TrainConfig;
pub use observer::{Evaluation, Observer, Quiet, Warning};
pub use schedule::learning_rate;
pub use state::{Best, Parts, TrainState};
pub use steps::{Moving, Steps, Update, steps};
pub use trainer::{Outcome, Stop, Trainer};
