//! `HOST:PORT`.

use certctl::served::{Address, AddressError};

#[test]
fn host_and_port() {
    for (text, host, port) in [
        ("www.example.com:443", "www.example.com", 443),
        (" localhost:1 ", "localhost", 1),
        ("192.0.2.1:65535", "192.0.2.1", 65_535),
        ("[::1]:443", "::1", 443),
        ("[2001:db8::1]:8443", "2001:db8::1", 8443),
        ("[fe80::1%eth0]:443", "fe80::1%eth0", 443),
        ("例子.中国:443", "例子.中国", 443),
        ("under_score.example.com.:443", "under_score.example.com.", 443),
    ] {
        let address: Address = text.parse().unwrap();
        assert_eq!((address.host.as_str(), address.port), (host, port), "{text}");
        assert_eq!(address.to_string(), text.trim());
    }
}

#[test]
fn what_is_none() {
    for (text, why) in [
        ("", AddressError::NoPort),
        ("www.example.com", AddressError::NoPort),
        ("[::1]", AddressError::NoPort),
        ("[::1]443", AddressError::NoPort),
        ("www.example.com:", AddressError::Port),
        ("www.example.com:0", AddressError::Port),
        ("www.example.com:65536", AddressError::Port),
        ("www.example.com:+443", AddressError::Port),
        ("www.example.com:https", AddressError::Port),
        ("[::1]:", AddressError::Port),
        ("https://www.example.com", AddressError::Url),
        ("www.example.com:443/", AddressError::Url),
        ("::1", AddressError::Brackets),
        ("::1:443", AddressError::Brackets),
        ("2001:db8::1:443", AddressError::Brackets),
        ("1:2:3:4:5:6:7:8:443", AddressError::Brackets),
        (":443", AddressError::Host),
        ("[::1:443", AddressError::Host),
        ("[localhost]:443", AddressError::Host),
        ("[127.0.0.1]:443", AddressError::Host),
        ("[fe80::1%]:443", AddressError::Host),
        ("user@host:443", AddressError::Host),
        ("a b:443", AddressError::Host),
        ("a\u{1b}[2J:443", AddressError::Host),
        ("a\nb:443", AddressError::Host),
        ("*.example.com:443", AddressError::Host),
        ("a..b:443", AddressError::Host),
        ("256.0.0.1:443", AddressError::Host),
        ("127.1:443", AddressError::Host),
        ("2130706433:443", AddressError::Host),
    ] {
        assert_eq!(text.parse::<Address>(), Err(why), "{text:?}");
    }
    let long = format!("{}:443", "a".repeat(64));
    assert_eq!(long.parse::<Address>(), Err(AddressError::Host));
}
