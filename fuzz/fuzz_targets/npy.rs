#![no_main]

diffeo_fuzz::bounded!();

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| diffeo_fuzz::table("npy", bytes));
