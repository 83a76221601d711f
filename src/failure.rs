//! Turns errors into messages on stderr and exit codes.

use diffeo::data::DataError;
use std::process::ExitCode;

/// The run was interrupted, a checkpoint saved.
pub const INTERRUPTED: u8 = 130;
/// Usage or input cannot be used.
const INPUT: u8 = 2;
/// A fault of the program.
const FAULT: u8 = 70;

/// A request that cannot be carried out as it was made.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Prints an error and gives its exit code.
pub fn report(error: &anyhow::Error) -> ExitCode {
    if matches!(error.downcast_ref::<DataError>(), Some(DataError::BrokenPipe { .. })) {
        return ExitCode::SUCCESS;
    }
    let code = code(error);
    crate::output::complain(&format!("error: {}", message(error)));
    if code == FAULT {
        crate::output::complain("this is a fault of diffeo, not of your input; please report it");
    }
    ExitCode::from(code)
}

/// Keeps the reports of panics to those of this program: the Parquet reader turns panics of its decoder
/// into errors, which say all there is to say.
pub fn quiet_decoders() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.location().is_some_and(|place| place.file().contains("/parquet-")) {
            report(panic);
        }
    }));
}

/// The error and its causes; a cause that the error has quoted already is not repeated.
fn message(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |so_far, cause| match so_far {
        so_far if so_far.ends_with(&cause) => so_far,
        so_far if so_far.is_empty() => cause,
        so_far => format!("{so_far}: {cause}"),
    })
}

fn code(error: &anyhow::Error) -> u8 {
    use diffeo::flows::Error;
    let fault = match error.downcast_ref::<Error>() {
        Some(Error::Tensor(_)) => true,
        Some(_) => false,
        None => {
            error.downcast_ref::<DataError>().is_none()
                && error.downcast_ref::<Usage>().is_none()
                && error.downcast_ref::<std::io::Error>().is_none()
                && error.downcast_ref::<diffeo::plots::PlotError>().is_none()
                && error.downcast_ref::<diffeo::pictures::PictureError>().is_none()
        }
    };
    if fault { FAULT } else { INPUT }
}
