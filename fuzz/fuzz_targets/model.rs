#![no_main]

use candle_core::Device;
use diffeo::flows::model::Model;

diffeo_fuzz::bounded!();

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diffeo_fuzz::in_file("safetensors", bytes, |path| {
        let _ = Model::load(path, &Device::Cpu);
        let _ = Model::load_checkpoint(path, &Device::Cpu);
    });
});
