#include "spec/web_socket.h"

#include <gtest/gtest.h>

namespace gantry::spec {
namespace {

TEST(WebSocket, AcceptsAKeyAsTheRfcDoes) {
    EXPECT_EQ(web_socket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    // Longer than one block.
    EXPECT_EQ(web_socket_accept(std::string(100, 'a')), "+taVhj8zzaJPYE6HHo1ugamK/Ug=");
    EXPECT_EQ(web_socket_accept(""), "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=");
}

TEST(WebSocket, HeadsOfEachLength) {
    EXPECT_EQ(web_socket_head(WebSocketOpcode::kBinary, 5), "\x82\x05");
    EXPECT_EQ(web_socket_head(WebSocketOpcode::kText, 125), "\x81\x7d");
    EXPECT_EQ(web_socket_head(WebSocketOpcode::kBinary, 126), std::string("\x82\x7e\x00\x7e", 4));
    EXPECT_EQ(web_socket_head(WebSocketOpcode::kBinary, 65536),
              std::string("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10));
}

}  // namespace
}  // namespace gantry::spec
