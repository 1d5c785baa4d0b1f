#include "net/endpoint.h"

namespace gantry::net {

const char* protocol_name(PortProtocol protocol) {
    switch (protocol) {
        case PortProtocol::kTcp: return "tcp";
        case PortProtocol::kUdp: return "udp";
        case PortProtocol::kSctp: return "sctp";
    }
    return "";
}

}  // namespace gantry::net
