//! The answer to NVMe's Identify Controller command.

#![no_main]

use gpunode_host::disk::{Identity, nvme_id};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // The fields stand far apart; a short input fills them from the front.
    let mut answer = vec![0; nvme_id::LEN];
    let (head, name) = bytes.split_at(bytes.len().min(64));
    answer[..head.len()].copy_from_slice(head);
    for (to, from) in answer[3072..].iter_mut().zip(name) {
        *to = *from;
    }
    for answer in [bytes, &answer] {
        if let Ok(controller) = nvme_id::parse(answer) {
            let name = controller.device_name.unwrap_or_default();
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{name:?}");
            let _ = Identity::new(&controller.model, &controller.serial).to_string();
        }
    }
});
