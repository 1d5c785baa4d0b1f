#pragma once

#include "io/impl/input_buffer.h"
#include "io/impl/parser.h"
#include "io/impl/reply.h"
#include "io/impl/server_core.h"
#include "io/impl/stream.h"

namespace gantry::io {

/// One client: reads requests and answers them one after the other, on its own thread.
class Connection {
public:
    Connection(Server::Core& core, UniqueFd fd, Transport transport, bool loopback);
    ~Connection();

    void run();

private:
    enum class Next { kRequest, kClose };

    Next serve(Deadline first_byte);
    /// Empty when the connection must close; the client was told why if there is a point in it.
    std::optional<Parser> read_head(Deadline first_byte);
    Next answer(Parser& parser);
    std::string_view refusal(const MessageHead& head) const;
    void refuse(int status, std::string_view text);
    /// Takes in what the client still sends, for a while: closing over unread bytes would reset the
    /// connection and destroy the answer before it is read.
    void linger();

    Server::Core& core_;
    SocketStream stream_;
    InputBuffer input_;
    Peer peer_;
    bool loopback_;
};

}  // namespace gantry::io
