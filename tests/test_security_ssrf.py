"""Whom a connector may call: nobody inside, whatever people or name servers say."""

import socket
from unittest.mock import patch

from ..connectors.base import Outcome
from .connector_server import ScriptedServer, reply
from .test_transport import TransportCase

PUBLIC = "93.184.216.34"


class TestAddresses(TransportCase):
    """Every way to write an address inside ends before a connection is opened."""

    REFUSED = (
        "https://127.0.0.1",
        "https://127.1",
        "https://127.0.1",
        "https://2130706433",
        "https://0x7f000001",
        "https://0x7f.1",
        "https://0x7f.0x0.0x0.0x1",
        "https://017700000001",
        "https://0",
        "https://127.0.0.1.",
        "https://①②⑦.⓪.⓪.①",
        "https://１２７.0.0.1",
        "https://127。0。0。1",
        "https://ⅼocalhost",
        "https://0177.0.0.1",
        "https://localhost",
        "https://LOCALHOST.",
        "https://0.0.0.0",
        "https://[::1]",
        "https://[::]",
        "https://[::ffff:127.0.0.1]",
        "https://[::ffff:7f00:1]",
        "https://[::127.0.0.1]",
        "https://[::ffff:8.8.8.8]",
        "https://[64:ff9b::7f00:1]",
        "https://[64:ff9b::808:808]",
        "https://[2002:7f00:1::]",
        "https://[2002:808:808::]",
        "https://[2001:0:808:808::1]",
        "https://[fd00::1]",
        "https://[fec0::1]",
        "https://[::]:443",
        "https://[64:ff9b:1::1]",
        "https://[::ffff:0:7f00:1]",
        "https://[2001:db8::1]",
        "https://[2001:10::1]",
        "https://[100::1]",
        "https://[3fff::1]",
        "https://[5f00::1]",
        "https://[4000::1]",
        "https://[fe80::1]",
        "https://[ff02::1]",
        "https://10.0.0.1",
        "https://10.0.0.1:8443/odoo",
        "https://172.16.3.4",
        "https://192.168.1.1",
        "https://100.64.0.1",
        "https://169.254.169.254",
        "https://168.63.129.16",
        "https://192.0.0.192",
        "https://192.88.99.1",
        "https://100.100.100.200",
        "https://192.0.2.1",
        "https://198.18.0.1",
        "https://224.0.0.1",
        "https://240.0.0.1",
        "https://255.255.255.255",
        "http://93.184.216.34",
        "https://93.184.216.34:25",
    )

    def test_none_but_public_addresses_are_called(self):
        with patch.object(socket.socket, "connect") as connect:
            for url in self.REFUSED:
                with self.subTest(url):
                    outcome = Outcome.NOT_SENT
                    self.refusal(url, "address_refused", outcome, allowed=())
        connect.assert_not_called()

    def test_the_refusal_says_how_to_open_a_private_host(self):
        error = self.refusal(
            "https://10.1.2.3", "address_refused", Outcome.NOT_SENT, allowed=()
        )
        self.assertIn("10.1.2.3", error.message)
        self.assertIn("ap_sync_allowed_hosts", error.message)

    def test_some_addresses_are_closed_for_good(self):
        everything = ("0.0.0.0/0", "::/0", "metadata")
        for url in (
            "http://169.254.169.254",
            "https://2852039166",
            "https://0xa9fea9fe",
            "http://168.63.129.16",
            "http://192.0.0.192",
            "http://100.100.100.200",
            "http://[fd20:ce::254]",
            "http://[fd00:42::42]",
            "http://[::a9fe:a9fe]",
            "http://[::ffff:169.254.169.254]",
            "http://[64:ff9b::a9fe:a9fe]",
            "http://[2002:a9fe:a9fe::]",
            "http://[fe80::1]",
            "http://[fe80::1%lo]",
            "http://[fd00:ec2::254]",
        ):
            with self.subTest(url):
                self.refusal(
                    url, "address_refused", Outcome.NOT_SENT, allowed=everything
                )

    def test_a_private_host_is_opened_by_name_address_or_network(self):
        with ScriptedServer(reply([1])) as server:
            by_name = f"http://localhost:{server.port}"
            for url, allowed in (
                (server.url, "127.0.0.1"),
                (server.url, "127.0.0.0/8"),
                (server.url, " 127.0.0.1 "),
                (by_name, "LocalHost"),
            ):
                with self.subTest(allowed):
                    answer = self.call(url, allowed=(allowed, "::1"))
                    self.assertEqual(answer.json(), [1])
            for allowed in ("127.0.0.2", "10.0.0.0/8", "localhost.example", "", "*"):
                with self.subTest(allowed):
                    kind = "address_refused"
                    options = {"allowed": (allowed,)}
                    self.refusal(server.url, kind, Outcome.NOT_SENT, **options)
            self.assertEqual(len(server.requests), 4)

    def test_a_name_with_one_private_address_is_refused(self):
        rows = [row("93.184.216.34"), row("127.0.0.1")]
        with (
            patch.object(socket, "getaddrinfo", return_value=rows),
            patch.object(socket.socket, "connect") as connect,
        ):
            url = "https://erp.example"
            self.refusal(url, "address_refused", Outcome.NOT_SENT, allowed=())
        connect.assert_not_called()

    def test_a_name_server_that_changes_its_answer_gets_nowhere(self):
        answers = [[row("93.184.216.34")], [row("127.0.0.1")]]
        called = []

        def connect(_socket, address):
            called.append(address[0])
            raise OSError

        with (
            patch.object(socket, "getaddrinfo", side_effect=answers) as ask,
            patch.object(socket.socket, "connect", connect),
        ):
            url = "https://erp.example"
            self.refusal(url, "erp_unavailable", Outcome.NOT_SENT, allowed=())
        self.assertEqual(called, ["93.184.216.34"])
        self.assertEqual(ask.call_count, 1)

    def test_an_address_is_a_plain_web_address(self):
        for url in (
            "",
            "erp.example",
            "file:///etc/passwd",
            "ftp://erp.example",
            "https://",
            "https://user:word@erp.example",
            "https://user@erp.example",
            "https://erp.example@127.0.0.1",
            "https://erp.example:443@127.0.0.1/",
            "https://127.0.0.1#@erp.example",
            "https://127.0.0.1?@erp.example",
            "https://erp.example\\@127.0.0.1",
            "https://erp.example\t.evil.example",
            "//127.0.0.1",
            "gopher://127.0.0.1",
            "javascript:alert(1)",
            "https://erp.example/?a=b",
            "https://erp.example/#a",
            "https://erp.example:99999",
            "https://erp.example:x",
            "https://[::1",
            "https://a b",
            "https://erp.example/\r\nX: y",
            "https://" + "a" * 300 + ".example",
        ):
            with self.subTest(url):
                self.refusal(url, "address_wrong", Outcome.NOT_SENT, allowed=())

    def test_a_name_server_that_answers_differently_reaches_no_listener_inside(self):
        """Rebinding: public when it is checked, loopback when it is called."""
        real = socket.socket.connect

        def connect(sock, address):
            if address[0] == PUBLIC:
                raise OSError  # no test calls a stranger
            return real(sock, address)

        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(0.3)
            port = listener.getsockname()[1]
            answers = [[row(PUBLIC, port)], [row("127.0.0.1", port)]] * 3
            kinds = ["erp_unavailable", "address_refused"] * 3
            with (
                patch.object(socket, "getaddrinfo", side_effect=answers),
                patch.object(socket.socket, "connect", connect),
            ):
                for kind in kinds:
                    url = f"https://erp.example:{port}"
                    self.refusal(url, kind, Outcome.NOT_SENT, allowed=())
                with self.assertRaises(TimeoutError):
                    listener.accept()

    def test_a_public_address_is_called(self):
        """What is refused above is not refused because everything is."""
        called = []

        def connect(_socket, address):
            called.append(address[0])
            raise OSError

        for address in (PUBLIC, "2606:2800:220:1::1"):
            with (
                patch.object(socket, "getaddrinfo", return_value=[row(address)]),
                patch.object(socket.socket, "connect", connect),
            ):
                url, kind = "https://erp.example", "erp_unavailable"
                self.refusal(url, kind, Outcome.NOT_SENT, allowed=())
        self.assertEqual(called, [PUBLIC, "2606:2800:220:1::1"])


def row(address, port=443):
    """Return what a name server's answer looks like in Python."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return (family, socket.SOCK_STREAM, 6, "", (address, port))
