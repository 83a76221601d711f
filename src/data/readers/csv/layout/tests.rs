use super::*;

fn of(text: &str) -> Layout {
    let asked = Asked { delimiter: b',', header: None };
    layout(&mut text.as_bytes().to_vec(), asked)
}

#[test]
fn delimiters_are_found() {
    let delimiter = |text| of(text).delimiter;
    assert_eq!(delimiter("a,b\n1,2\n"), Some(b','));
    assert_eq!(delimiter("a;b\n1,5;2,5\n3,5;4,5\n"), Some(b';'));
    assert_eq!(delimiter("1,5;2,5\n3,5;4,5\n"), Some(b';'), "three fields by commas, no numbers");
    assert_eq!(delimiter("a\tb\n1\t2\n"), Some(b'\t'));
    assert_eq!(delimiter("a|b\n1|2\n"), Some(b'|'));
    assert_eq!(delimiter("  a   b\n 1.0   2\n"), None);
    assert_eq!(delimiter("a\n1\n2\n"), Some(b','));
    assert_eq!(delimiter("when,x\n2001-01-01 00:00,5\n2001-01-02 00:00,7\n"), Some(b','));
    assert_eq!(delimiter("city\nNew York\nSan Jose\n"), Some(b','), "words are no columns");
}

#[test]
fn headers_are_found() {
    let heading = |text| of(text).heading;
    for first in [
        "a,2\n1,2\n",
        ",a\n0,1\n",
        "g,h\nc,x\na,x\n",
        "0,1,2\n0.5,1,2\n3,4,5\n",
        ",0,1\n0,0.5,2\n1,0.7,3\n",
        "1,2\n0.5,2\n",
        "0\n0.25\n0.5\n",
        "a,b\n",
        "land,1990,1991\nA,0.5,2\nB,0.7,3\n",
    ] {
        assert_eq!(heading(first), Heading::First, "{first:?}");
    }
    for absent in [
        "5.1,3.5,setosa\n4.9,3.0,setosa\n",
        "1,2\n1,2\n",
        "1.5,2\n3,4\n",
        "0\n1\n2\n",
        "c,x\nc,x\na,x\n",
        "1,NA\n",
        "1,2\n3,4\n",
        "0,1\n1,0\n0,1\n",
    ] {
        assert_eq!(heading(absent), Heading::Absent, "{absent:?}");
    }
    assert_eq!(heading("a b\n1 1 2\n2 3 4\n"), Heading::ShortByOne, "R's write.table");
    let names = |names: [&str; 2]| Heading::Comment(names.map(str::to_owned).to_vec());
    assert_eq!(heading("# made by hand\n# a b\n1.0 2.0\n3.0 4.0\n"), names(["a", "b"]));
    assert_eq!(heading("#,Name\n1,tom\n2,ann\n"), names(["#", "Name"]));
    assert_eq!(of("# made, by hand\na,b\n1,2\n").comments, 1);
    assert_eq!(heading("# made, by hand\na,b\n1,2\n"), Heading::First);
}

#[test]
fn decimal_marks_are_found() {
    assert_eq!(of("a;b\n1,5;2\n").decimal, Decimal::Comma);
    assert_eq!(of("a;b\n1.5;2\n").decimal, Decimal::Point);
    assert_eq!(of("a;b\n1;2\n").decimal, Decimal::Either);
    assert_eq!(of("a,b\n1,2\n").decimal, Decimal::Point);
}
