//! Turns tables whose columns are parted by spaces into ones parted by tabs.

use std::io::{self, Read};

/// A source in which every run of spaces and tabs between fields becomes one tab, and those at the
/// ends of lines go; what is quoted stays. Switched off it hands on what it gets.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "where in a line it stands, bit by bit")]
pub(crate) struct Spaces<R> {
    source: R,
    on: bool,
    /// White space since the last field.
    gap: bool,
    /// No field yet in this line.
    start: bool,
    quoted: bool,
    /// A byte that a buffer of one had no room for.
    kept: Option<u8>,
}

impl<R> Spaces<R> {
    pub(crate) fn new(source: R, on: bool) -> Self {
        Self { source, on, gap: false, start: true, quoted: false, kept: None }
    }

    /// Rewrites `buffer[1..=read]` to the start of the buffer; how many bytes are left.
    fn squeeze(&mut self, buffer: &mut [u8], read: usize) -> usize {
        let mut end = 0;
        for at in 1..=read {
            let byte = buffer[at];
            match byte {
                b'"' if self.quoted => self.quoted = false,
                _ if self.quoted => {}
                b' ' | b'\t' => {
                    self.gap = !self.start;
                    continue;
                }
                b'\n' | b'\r' => (self.gap, self.start) = (false, true),
                _ => {
                    let first = self.gap || self.start;
                    if std::mem::take(&mut self.gap) {
                        // A byte of the gap was taken before: there is room for one more.
                        buffer[end] = b'\t';
                        end += 1;
                    }
                    (self.quoted, self.start) = (first && byte == b'"', false);
                }
            }
            buffer[end] = byte;
            end += 1;
        }
        end
    }
}

impl<R: Read> Read for Spaces<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.on || buffer.is_empty() {
            return self.source.read(buffer);
        }
        if let Some(byte) = self.kept.take() {
            buffer[0] = byte;
            return Ok(1);
        }
        if buffer.len() == 1 {
            let mut pair = [0; 2];
            let read = self.read(&mut pair)?;
            buffer[0] = pair[0];
            self.kept = (read == 2).then_some(pair[1]);
            return Ok(read.min(1));
        }
        loop {
            let read = self.source.read(&mut buffer[1..])?;
            let kept = self.squeeze(buffer, read);
            if read == 0 || kept > 0 {
                return Ok(kept);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out one byte at a time, the hardest case.
    struct Drops<'a>(&'a [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let few = buffer.len().min(1);
            self.0.read(&mut buffer[..few])
        }
    }

    #[test]
    fn runs_of_spaces_become_one_tab_whatever_the_pieces() {
        let text = b"  a  \"b  c\"\t d \r\n1 2   3\n";
        let expected = b"a\t\"b  c\"\td\r\n1\t2\t3\n";
        let (mut whole, mut pieces) = (Vec::new(), Vec::new());
        Spaces::new(&text[..], true).read_to_end(&mut whole).unwrap();
        Spaces::new(Drops(text), true).read_to_end(&mut pieces).unwrap();
        assert_eq!(whole, expected);
        assert_eq!(pieces, expected);
        let mut off = Vec::new();
        Spaces::new(&text[..], false).read_to_end(&mut off).unwrap();
        assert_eq!(off, text);
    }
}
