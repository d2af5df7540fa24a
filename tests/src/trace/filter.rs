//! A seccomp filter that stops the program only at calls that can change a file system: a run makes twenty thousand
//! others, and a stop costs more than most of them. Source: seccomp(2), `SECCOMP_RET_TRACE`.

use std::io;

use nix::libc::{self, sock_filter};

use super::calls;

/// Offsets in `struct seccomp_data`: the call's number, and the low half of an argument.
const NUMBER: u32 = 0;
const fn argument(at: u32) -> u32 {
    16 + 8 * at
}

/// The filter, to be made before the fork.
pub(super) fn program() -> Vec<sock_filter> {
    let mut program = vec![load(NUMBER)];
    for call in calls::all() {
        let number = u32::try_from(call.number).unwrap_or(u32::MAX);
        match call.flags() {
            // The next four instructions belong to this call, and are passed over by others.
            Some(at) => program.extend([
                jump(libc::BPF_JEQ, number, 0, 4),
                load(argument(at)),
                jump(libc::BPF_JSET, calls::OPENS_TO_WRITE.cast_unsigned(), 0, 1),
                end(libc::SECCOMP_RET_TRACE),
                end(libc::SECCOMP_RET_ALLOW),
            ]),
            None => {
                program.extend([jump(libc::BPF_JEQ, number, 0, 1), end(libc::SECCOMP_RET_TRACE)]);
            }
        }
    }
    program.push(end(libc::SECCOMP_RET_ALLOW));
    program
}

/// Puts the filter in force for this process and all it starts. Calls prctl(2) and nothing else.
pub(super) fn install(program: &[sock_filter]) -> io::Result<()> {
    let length = u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    // SAFETY: the kernel copies the program, which it only reads, before the call returns.
    let result = unsafe {
        // Without it only root may filter.
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn load(offset: u32) -> sock_filter {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset)
}

fn jump(test: u32, value: u32, yes: u8, no: u8) -> sock_filter {
    instruction(libc::BPF_JMP | libc::BPF_K | test, yes, no, value)
}

fn end(action: u32) -> sock_filter {
    instruction(libc::BPF_RET | libc::BPF_K, 0, 0, action)
}

#[expect(clippy::cast_possible_truncation, reason = "all codes of classic BPF fit into 16 bits")]
fn instruction(code: u32, yes: u8, no: u8, k: u32) -> sock_filter {
    sock_filter { code: code as u16, jt: yes, jf: no, k }
}
