import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MspError } from "@meshstream/msp";
import { broadcastAddresses } from "../src/broadcast.ts";
import { formatSocketAddress, parseSocketAddress } from "../src/socket-address.ts";

describe("a socket address", () => {
  it("is an IPv4 address, or an IPv6 address in brackets, and a port", () => {
    assert.deepEqual(parseSocketAddress("192.0.2.7:4110", 1), { host: "192.0.2.7", family: 4, port: 4110 });
    assert.deepEqual(parseSocketAddress("[2001:db8::7]:65535", 1), {
      host: "2001:db8::7",
      family: 6,
      port: 65535,
    });
    assert.deepEqual(parseSocketAddress("[::]:0", 0), { host: "::", family: 6, port: 0 });
  });

  it("comes back from its text", () => {
    for (const text of ["0.0.0.0:1", "[::1]:4110", "[fe80::1%eth0]:7"]) {
      const { host, port } = parseSocketAddress(text, 1);
      assert.equal(formatSocketAddress(host, port), text);
    }
  });

  it("is refused with a line that quotes it, says what is wrong and shows what would be right", () => {
    for (const [text, words] of [
      ["", /ADDR:PORT/],
      ["4110", /ADDR:PORT/],
      ["127.0.0.1", /ADDR:PORT/],
      ["127.0.0.1:", /ADDR:PORT/],
      ["127.0.0.1:41x", /ADDR:PORT/],
      ["127.0.0.1:-1", /ADDR:PORT/],
      ["127.0.0.1:123456", /ADDR:PORT/],
      [" 127.0.0.1:1", /no IP address/],
      ["127.0.0:1", /no IP address/],
      ["127.0.0.256:1", /no IP address/],
      ["localhost:1", /"localhost" is no IP address/],
      ["[localhost]:1", /no IP address/],
      ["[127.0.0.1]:1", /no IP address/],
      ["::1", /brackets/],
      ["2001:db8::7:4110", /brackets/],
      ["127.0.0.1:65536", /1 to 65535/],
      ["127.0.0.1:0", /1 to 65535/],
    ] as const) {
      assert.throws(
        () => parseSocketAddress(text, 1),
        (error) => {
          assert.ok(error instanceof MspError && error.code === "address");
          assert.ok(error.message.includes(`"${text}"`), error.message);
          assert.match(error.message, words);
          assert.match(error.message, /192\.0\.2\.7:4110/);
          return true;
        },
        text,
      );
    }
  });
});

describe("broadcast addresses", () => {
  const info = (address: string, netmask: string, internal = false) => ({
    address,
    netmask,
    family: "IPv4" as const,
    mac: "00:00:00:00:00:00",
    internal,
    cidr: null,
  });
  const interfaces = {
    lo: [info("127.0.0.1", "255.0.0.0", true)],
    eth0: [
      info("192.168.1.7", "255.255.255.0"),
      info("192.168.1.8", "255.255.255.0"),
      { ...info("fe80::1", "ffff:ffff:ffff:ffff::"), family: "IPv6" as const, scopeid: 2 },
    ],
    wlan0: [info("10.20.30.40", "255.255.240.0")],
    tun0: [info("10.8.0.2", "255.255.255.255")],
    ptp0: [info("10.9.0.2", "255.255.255.254")],
    gone: undefined,
  };

  it("are those of every network for 0.0.0.0, each once, without loopback and links of two", () => {
    assert.deepEqual(broadcastAddresses(interfaces, "0.0.0.0", 4110), [
      "192.168.1.255:4110",
      "10.20.31.255:4110",
    ]);
  });

  it("are those of the one network for one address", () => {
    assert.deepEqual(broadcastAddresses(interfaces, "10.20.30.40", 5), ["10.20.31.255:5"]);
    assert.deepEqual(broadcastAddresses(interfaces, "127.0.0.1", 5), []);
  });
});
