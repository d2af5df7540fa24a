use super::*;

#[test]
fn it_reads_as_a_file_does() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("disk");
    let bytes: Vec<u8> = (0..700_001_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
    std::fs::write(&path, &bytes).unwrap();
    let queues = Queues::default();
    let mut direct = Direct::open(&path, false, &queues).unwrap();
    assert_eq!(direct.seek(SeekFrom::End(0)).unwrap(), 700_001);
    // Twice, so that windows are used again, also after some were given up.
    let far = [(0, 2), (1080, 2), (4095, 2), (262_143, 300_000), (699_999, 2), (3, 1), (65_535, 2)];
    for (offset, len) in far.iter().chain(&far).copied() {
        let mut buffer = vec![0; len];
        direct.seek(SeekFrom::Start(offset as u64)).unwrap();
        direct.read_exact(&mut buffer).unwrap();
        assert_eq!(buffer, bytes[offset..offset + len], "{len} bytes at {offset}");
    }
    direct.seek(SeekFrom::Start(700_001)).unwrap();
    assert_eq!(direct.read(&mut [0; 8]).unwrap(), 0);
}

#[test]
fn large_aligned_reads_give_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("disk");
    let bytes: Vec<u8> = (0..1_000_001_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
    std::fs::write(&path, &bytes).unwrap();
    let queues = Queues::default();
    let mut direct = Direct::open(&path, false, &queues).unwrap();
    let mut memory = vec![0; (256 << 10) + ALIGN];
    let start = memory.as_ptr().align_offset(ALIGN);
    let buffer = &mut memory[start..start + (256 << 10)];
    for offset in [0, 4096, 400_000, 1_000_001 - (256 << 10), 700_416] {
        direct.seek(SeekFrom::Start(offset as u64)).unwrap();
        assert_eq!(direct.fits(buffer), offset % ALIGN == 0);
        direct.read_exact(buffer).unwrap();
        assert_eq!(buffer, &bytes[offset..offset + (256 << 10)], "at {offset}");
    }
}
#[test]
fn parts_are_the_same_at_once_and_in_turn_and_the_end_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("disk");
    let bytes: Vec<u8> = (0..1_000_001_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
    std::fs::write(&path, &bytes).unwrap();
    let queues = Queues::default();
    let mut direct = Direct::open(&path, false, &queues).unwrap();
    let mut memory = vec![0; (64 << 10) + ALIGN];
    let start = memory.as_ptr().align_offset(ALIGN);
    let buffer = &mut memory[start..start + (64 << 10)];
    // Aligned, not aligned, with an odd end.
    for parts in [
        vec![0..4096, 40_960..49_152, 819_200..823_296],
        vec![5..10, 700..4796],
        vec![0..4096, 999_424..1_000_001],
    ] {
        let wanted: Vec<_> = parts.iter().flat_map(|part| &bytes[part.start..part.end]).copied().collect();
        let parts: Vec<_> = parts.iter().map(|part| part.start as u64..part.end as u64).collect();
        direct.read_parts(&parts, &mut buffer[..wanted.len()]).unwrap();
        assert_eq!(buffer[..wanted.len()], wanted, "{parts:?}");
    }
    let beyond = direct.read_parts(&[0..4096, 999_424..1_003_520], &mut buffer[..8192]);
    assert_eq!(beyond.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}
