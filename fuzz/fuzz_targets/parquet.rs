#![no_main]

use std::panic::PanicHookInfo;
use std::sync::Once;

diffeo_fuzz::bounded!();

static HOOK: Once = Once::new();

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // In place of the fuzzer's own, which ends the program at every panic.
    HOOK.call_once(|| std::panic::set_hook(Box::new(unless_of_a_crate)));
    diffeo_fuzz::table("parquet", bytes);
});

/// Ends the program, but for panics of other crates: the reader turns those into errors.
fn unless_of_a_crate(panic: &PanicHookInfo<'_>) {
    if !panic.location().is_some_and(|place| place.file().contains("/registry/")) {
        eprintln!("{panic}");
        std::process::abort();
    }
}
