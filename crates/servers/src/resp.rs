//! A few words with a Redis server, over a socket in its folder.

use std::{
    io::{self, BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

/// A paused server never answers.
const ANSWER: Duration = Duration::from_secs(2);
/// Nothing that is asked here has a longer answer.
const LONGEST: usize = 1 << 20;

/// Sends commands over one connection and answers with the last one's reply: its strings and numbers in order, nil
/// being none.
///
/// # Errors
///
/// `Other` with the server's own words for any command that it refused, else what the connection met.
pub(crate) fn exchange(socket: &Path, commands: &[&[&str]]) -> io::Result<Vec<String>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.set_write_timeout(Some(ANSWER))?;
    let mut answers = BufReader::new(stream.try_clone()?);
    let mut reply = Vec::new();
    for command in commands {
        stream.write_all(&encoded(command))?;
        reply.clear();
        read(&mut answers, &mut reply)?;
    }
    Ok(reply)
}

fn encoded(command: &[&str]) -> Vec<u8> {
    let parts = command.iter().flat_map(|part| [format!("${}\r\n", part.len()), format!("{part}\r\n")]);
    [format!("*{}\r\n", command.len())].into_iter().chain(parts).collect::<String>().into_bytes()
}

/// An array's parts come after its length, as if they were said one by one.
fn read(answers: &mut impl BufRead, reply: &mut Vec<String>) -> io::Result<()> {
    let mut expected = 1_usize;
    while expected > 0 {
        expected -= 1;
        let mut line = String::new();
        if answers.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        let (kind, rest) = line.split_at_checked(1).ok_or(io::ErrorKind::InvalidData)?;
        match kind {
            "+" | ":" => reply.push(rest.to_owned()),
            "-" => return Err(io::Error::other(rest)),
            "$" => reply.extend(text(answers, rest)?),
            // An absent array has the length -1.
            "*" => expected = rest.parse().map_or(expected, |parts: usize| expected.saturating_add(parts)),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
    Ok(())
}

fn text(answers: &mut impl BufRead, length: &str) -> io::Result<Option<String>> {
    let Ok(length) = length.parse::<usize>() else { return Ok(None) };
    if length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; length + 2];
    answers.read_exact(&mut bytes)?;
    bytes.truncate(length);
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(bytes: &str) -> io::Result<Vec<String>> {
        let mut reply = Vec::new();
        read(&mut bytes.as_bytes(), &mut reply).map(|()| reply)
    }

    #[test]
    fn nested_answer_is_read_to_its_end_and_no_further() {
        let read = reply("*3\r\n$2\r\nab\r\n*2\r\n:7\r\n+OK\r\n$-1\r\n+NEXT\r\n").unwrap();
        assert_eq!(read, ["ab", "7", "OK"]);
    }

    #[test]
    fn refusal_is_an_error_in_the_servers_words() {
        assert_eq!(reply("-NOAUTH please\r\n").unwrap_err().to_string(), "NOAUTH please");
    }

    #[test]
    fn answer_that_is_cut_is_an_error() {
        assert!(reply("*2\r\n+OK\r\n").is_err());
    }
}
