use proptest::prelude::*;

use super::*;

fn shown(text: &str) -> Option<String> {
    text.parse::<PciAddress>().ok().map(|address| address.to_string())
}

#[test]
fn every_form_that_drivers_print_becomes_one() {
    for text in ["0000:4f:00.0", "PCI:0000:4f:00", "PCI:0000:4F:00.0", "00000000:4F:00.0", "4f:00.0", "4f:0"]
    {
        assert_eq!(shown(text).as_deref(), Some("0000:4f:00.0"), "{text}");
    }
    assert_eq!(shown("PCI:0019:01:00").as_deref(), Some("0019:01:00.0"));
    // Intel VMD puts its devices into domains above 0xffff.
    assert_eq!(shown("10000:e1:1f.7").as_deref(), Some("10000:e1:1f.7"));
}

#[test]
fn what_is_no_address_is_refused() {
    for text in ["", ":", "4f", "4f:00:", "0000:4f:20.0", "0000:4f:00.8", "0000:4f:00.", "000000000:4f:00.0"]
    {
        assert_eq!(shown(text), None, "{text}");
    }
    for text in ["x:4f:00.0", "+0:4f:00.0", "0000:4f:00.0.0", "0:0:4f:00.0", "PCI:", "0000:14f:00.0"] {
        assert_eq!(shown(text), None, "{text}");
    }
    let error = "z".repeat(5000).parse::<PciAddress>().unwrap_err();
    assert!(error.to_string().len() < 100);
}

#[test]
fn json_holds_the_same_text() {
    let address: PciAddress = "PCI:0000:4F:00".parse().unwrap();
    let json = serde_json::to_string(&address).unwrap();
    assert_eq!(json, "\"0000:4f:00.0\"");
    assert_eq!(serde_json::from_str::<PciAddress>(&json).unwrap(), address);
    assert!(serde_json::from_str::<PciAddress>("\"GPU 3\"").is_err());
}

proptest! {
    #[test]
    fn an_address_comes_back_from_its_text(domain: u32, bus: u8, device in 0..32u8, function in 0..8u8) {
        let address = PciAddress::new(domain, bus, device, function).unwrap();
        prop_assert_eq!(address.to_string().parse(), Ok(address));
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in ".{0,40}") {
        if let Ok(address) = text.parse::<PciAddress>() {
            prop_assert_eq!(address.to_string().parse(), Ok(address));
        }
    }
}
