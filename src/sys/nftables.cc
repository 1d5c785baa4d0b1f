#include "sys/nftables.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace gantry::sys {
namespace {

unsigned message_type(unsigned message) {
    return NFNL_SUBSYS_NFTABLES << 8 | message;
}

nfgenmsg family_header(uint8_t family, uint16_t resource = 0) {
    return {.nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(resource)};
}

/// nft's number for a concatenated type: six bits for each field.
uint32_t type_of(const std::vector<NftField>& fields) {
    uint32_t type = 0;
    for (const NftField& field : fields) {
        type = type << 6 | field.type;
    }
    return type;
}

uint32_t length_of(const std::vector<NftField>& fields) {
    uint32_t length = 0;
    for (const NftField& field : fields) {
        length += (field.size + 3) / 4 * 4;
    }
    return length;
}

void put_value(AttributeWriter& writer, unsigned type, std::span<const uint8_t> value) {
    const size_t nest = writer.begin_nested(type);
    writer.put(NFTA_DATA_VALUE, value);
    writer.end_nested(nest);
}

std::array<uint8_t, 4> big_endian(uint32_t number) {
    const uint32_t swapped = htonl(number);
    std::array<uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &swapped, bytes.size());
    return bytes;
}

/// Metadata and conntrack state stand in registers in host order.
std::array<uint8_t, 4> host_order(uint32_t number) {
    std::array<uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &number, bytes.size());
    return bytes;
}

constexpr size_t kInterfaceName = 16;

std::array<uint8_t, kInterfaceName> interface_bytes(std::string_view name) {
    GT_CHECK(name.size() < kInterfaceName);
    std::array<uint8_t, kInterfaceName> bytes{};
    std::memcpy(bytes.data(), name.data(), name.size());
    return bytes;
}

// Offsets in the IPv4 and the ARP header.
constexpr unsigned kIpv4Source = 12;
constexpr unsigned kIpv4Destination = 16;
constexpr unsigned kArpSource = 14;
constexpr unsigned kEtherSource = 6;
constexpr unsigned kDestinationPort = 2;

// What CTA_FILTER compares of a tuple. The kernel's own numbers, which its headers do not export.
constexpr uint32_t kCompareSource = 1U << 0;
constexpr uint32_t kCompareProtocol = 1U << 3;
constexpr uint32_t kCompareDestinationPort = 1U << 5;

struct ConntrackFilter {
    uint32_t original;
    uint32_t reply;
};

NetlinkMessages begin_forgetting(std::string what) {
    NetlinkMessages message;
    message.begin(std::move(what), NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, NLM_F_ACK,
                  family_header(AF_INET));
    return message;
}

Result<> forget(NetlinkSocket& socket, NetlinkMessages& message, const ConntrackFilter& filter) {
    const size_t nest = message.begin_nested(CTA_FILTER);
    message.put_u32(CTA_FILTER_ORIG_FLAGS, filter.original);
    message.put_u32(CTA_FILTER_REPLY_FLAGS, filter.reply);
    message.end_nested(nest);
    auto done = socket.transact(message);
    if (!done && (done.error().sys_errno() == EINVAL || done.error().sys_errno() == EOPNOTSUPP)) {
        return fail(Kind::kNotImplemented, done.error().text());
    }
    return done;
}

}  // namespace

NftKey& NftKey::field(std::span<const uint8_t> value) {
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    bytes_.resize((bytes_.size() + 3) / 4 * 4);
    return *this;
}

NftKey& NftKey::ipv4(Ipv4 address) {
    return field(big_endian(address.value));
}

NftKey& NftKey::protocol(uint8_t number) {
    return field({&number, 1});
}

NftKey& NftKey::port(uint16_t number) {
    const std::array<uint8_t, 2> bytes{static_cast<uint8_t>(number >> 8),
                                       static_cast<uint8_t>(number & 255)};
    return field(bytes);
}

NftKey& NftKey::mac(const MacAddress& mac) {
    return field(mac.bytes);
}

NftKey& NftKey::interface(std::string_view name) {
    return field(interface_bytes(name));
}

template <class Body>
NftRule& NftRule::expression(const char* name, Body body) {
    const size_t element = writer_.begin_nested(NFTA_LIST_ELEM);
    writer_.put_string(NFTA_EXPR_NAME, name);
    const size_t data = writer_.begin_nested(NFTA_EXPR_DATA);
    body();
    writer_.end_nested(data);
    writer_.end_nested(element);
    return *this;
}

NftRule& NftRule::load_meta(unsigned key, unsigned reg) {
    return expression("meta", [&] {
        writer_.put_be32(NFTA_META_KEY, key);
        writer_.put_be32(NFTA_META_DREG, reg);
    });
}

NftRule& NftRule::load_payload(unsigned base, unsigned offset, unsigned size, unsigned reg) {
    return expression("payload", [&] {
        writer_.put_be32(NFTA_PAYLOAD_DREG, reg);
        writer_.put_be32(NFTA_PAYLOAD_BASE, base);
        writer_.put_be32(NFTA_PAYLOAD_OFFSET, offset);
        writer_.put_be32(NFTA_PAYLOAD_LEN, size);
    });
}

NftRule& NftRule::compare(unsigned reg, std::span<const uint8_t> value, NftMatch match) {
    return expression("cmp", [&] {
        writer_.put_be32(NFTA_CMP_SREG, reg);
        writer_.put_be32(NFTA_CMP_OP, match == NftMatch::kIs ? NFT_CMP_EQ : NFT_CMP_NEQ);
        put_value(writer_, NFTA_CMP_DATA, value);
    });
}

NftRule& NftRule::mask(unsigned reg, std::span<const uint8_t> bits) {
    const std::vector<uint8_t> zeros(bits.size(), 0);
    return expression("bitwise", [&] {
        writer_.put_be32(NFTA_BITWISE_SREG, reg);
        writer_.put_be32(NFTA_BITWISE_DREG, reg);
        writer_.put_be32(NFTA_BITWISE_LEN, static_cast<uint32_t>(bits.size()));
        put_value(writer_, NFTA_BITWISE_MASK, bits);
        put_value(writer_, NFTA_BITWISE_XOR, zeros);
    });
}

NftRule& NftRule::is_ipv4() {
    const uint8_t ipv4 = NFPROTO_IPV4;
    return load_meta(NFT_META_NFPROTO, NFT_REG_1).compare(NFT_REG_1, {&ipv4, 1}, NftMatch::kIs);
}

NftRule& NftRule::interface(unsigned key, std::string_view name, NftMatch match) {
    return load_meta(key, NFT_REG_1).compare(NFT_REG_1, interface_bytes(name), match);
}

NftRule& NftRule::in_interface(std::string_view name, NftMatch match) {
    return interface(NFT_META_IIFNAME, name, match);
}

NftRule& NftRule::out_interface(std::string_view name, NftMatch match) {
    return interface(NFT_META_OIFNAME, name, match);
}

NftRule& NftRule::address(unsigned offset, const Ipv4Prefix& prefix, NftMatch match) {
    load_payload(NFT_PAYLOAD_NETWORK_HEADER, offset, 4, NFT_REG_1);
    if (prefix.length < 32) {
        mask(NFT_REG_1, big_endian(prefix.mask()));
    }
    return compare(NFT_REG_1, big_endian(prefix.network().value), match);
}

NftRule& NftRule::source(const Ipv4Prefix& prefix, NftMatch match) {
    return address(kIpv4Source, prefix, match);
}

NftRule& NftRule::destination(const Ipv4Prefix& prefix, NftMatch match) {
    return address(kIpv4Destination, prefix, match);
}

NftRule& NftRule::destination_is_local() {
    expression("fib", [&] {
        writer_.put_be32(NFTA_FIB_DREG, NFT_REG_1);
        writer_.put_be32(NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
        writer_.put_be32(NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
    });
    constexpr uint32_t kLocal = 2;  // RTN_LOCAL
    return compare(NFT_REG_1, host_order(kLocal), NftMatch::kIs);
}

NftRule& NftRule::conntrack_bits(unsigned key, uint32_t bits) {
    expression("ct", [&] {
        writer_.put_be32(NFTA_CT_DREG, NFT_REG_1);
        writer_.put_be32(NFTA_CT_KEY, key);
    });
    mask(NFT_REG_1, host_order(bits));
    return compare(NFT_REG_1, host_order(0), NftMatch::kIsNot);
}

NftRule& NftRule::is_known_connection() {
    return conntrack_bits(NFT_CT_STATE,
                          NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED));
}

NftRule& NftRule::is_dnat() {
    return conntrack_bits(NFT_CT_STATUS, IPS_DST_NAT);
}

NftRule& NftRule::ether_type(uint16_t type) {
    const uint16_t swapped = htons(type);
    std::array<uint8_t, 2> bytes;
    std::memcpy(bytes.data(), &swapped, bytes.size());
    return load_meta(NFT_META_PROTOCOL, NFT_REG_1).compare(NFT_REG_1, bytes, NftMatch::kIs);
}

NftRule& NftRule::load_fields(std::initializer_list<NftLoad> fields) {
    unsigned reg = NFT_REG32_00;
    for (const NftLoad field : fields) {
        switch (field) {
            case NftLoad::kInInterface:
                load_meta(NFT_META_IIFNAME, reg);
                reg += 4;
                break;
            case NftLoad::kEtherSource:
                load_payload(NFT_PAYLOAD_LL_HEADER, kEtherSource, 6, reg);
                reg += 2;
                break;
            case NftLoad::kIpv4Source:
                load_payload(NFT_PAYLOAD_NETWORK_HEADER, kIpv4Source, 4, reg++);
                break;
            case NftLoad::kIpv4Destination:
                load_payload(NFT_PAYLOAD_NETWORK_HEADER, kIpv4Destination, 4, reg++);
                break;
            case NftLoad::kArpSource:
                load_payload(NFT_PAYLOAD_NETWORK_HEADER, kArpSource, 4, reg++);
                break;
            case NftLoad::kProtocol: load_meta(NFT_META_L4PROTO, reg++); break;
            case NftLoad::kDestinationPort:
                load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, kDestinationPort, 2, reg++);
                break;
        }
    }
    return *this;
}

NftRule& NftRule::is_in_set(const std::string& set, std::initializer_list<NftLoad> fields,
                            NftMatch match) {
    load_fields(fields);
    return expression("lookup", [&] {
        writer_.put_string(NFTA_LOOKUP_SET, set);
        writer_.put_be32(NFTA_LOOKUP_SREG, NFT_REG32_00);
        if (match == NftMatch::kIsNot) {
            writer_.put_be32(NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
        }
    });
}

NftRule& NftRule::dnat_by_map(const std::string& map, std::initializer_list<NftLoad> fields) {
    load_fields(fields);
    expression("lookup", [&] {
        writer_.put_string(NFTA_LOOKUP_SET, map);
        writer_.put_be32(NFTA_LOOKUP_SREG, NFT_REG32_00);
        writer_.put_be32(NFTA_LOOKUP_DREG, NFT_REG32_00);
    });
    return expression("nat", [&] {
        writer_.put_be32(NFTA_NAT_TYPE, NFT_NAT_DNAT);
        writer_.put_be32(NFTA_NAT_FAMILY, NFPROTO_IPV4);
        writer_.put_be32(NFTA_NAT_REG_ADDR_MIN, NFT_REG32_00);
        writer_.put_be32(NFTA_NAT_REG_PROTO_MIN, NFT_REG32_01);
    });
}

NftRule& NftRule::masquerade() {
    return expression("masq", [] {});
}

NftRule& NftRule::verdict(int code) {
    return expression("immediate", [&] {
        writer_.put_be32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
        const size_t data = writer_.begin_nested(NFTA_IMMEDIATE_DATA);
        const size_t nest = writer_.begin_nested(NFTA_DATA_VERDICT);
        writer_.put_be32(NFTA_VERDICT_CODE, static_cast<uint32_t>(code));
        writer_.end_nested(nest);
        writer_.end_nested(data);
    });
}

NftRule& NftRule::accept() {
    return verdict(NF_ACCEPT);
}

NftRule& NftRule::drop() {
    return verdict(NF_DROP);
}

NftTransaction::NftTransaction(NftFamily family, std::string table)
    : family_(family), table_(std::move(table)) {
    messages_.begin("begin an nftables transaction", NFNL_MSG_BATCH_BEGIN, 0,
                    family_header(AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
}

void NftTransaction::begin(std::string what, unsigned type, unsigned flags) {
    messages_.begin(std::move(what), message_type(type), flags,
                    family_header(static_cast<uint8_t>(family_)));
}

void NftTransaction::add_table() {
    begin(fmt::format("add nft table {}", table_), NFT_MSG_NEWTABLE, NLM_F_CREATE);
    messages_.put_string(NFTA_TABLE_NAME, table_);
}

void NftTransaction::delete_table() {
    begin(fmt::format("delete nft table {}", table_), NFT_MSG_DELTABLE, 0);
    messages_.put_string(NFTA_TABLE_NAME, table_);
}

void NftTransaction::add_chain(const NftBaseChain& chain) {
    begin(fmt::format("add nft chain {}", chain.name), NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    messages_.put_string(NFTA_CHAIN_TABLE, table_);
    messages_.put_string(NFTA_CHAIN_NAME, chain.name);
    const size_t hook = messages_.begin_nested(NFTA_CHAIN_HOOK);
    messages_.put_be32(NFTA_HOOK_HOOKNUM, static_cast<uint32_t>(chain.hook));
    messages_.put_be32(NFTA_HOOK_PRIORITY, static_cast<uint32_t>(chain.priority));
    messages_.end_nested(hook);
    messages_.put_be32(NFTA_CHAIN_POLICY, static_cast<uint32_t>(chain.policy));
    messages_.put_string(NFTA_CHAIN_TYPE, chain.type);
}

void NftTransaction::add_set(const NftSet& set) {
    begin(fmt::format("add nft set {}", set.name), NFT_MSG_NEWSET, NLM_F_CREATE);
    messages_.put_string(NFTA_SET_TABLE, table_);
    messages_.put_string(NFTA_SET_NAME, set.name);
    messages_.put_be32(NFTA_SET_FLAGS, set.data.empty() ? 0 : NFT_SET_MAP);
    messages_.put_be32(NFTA_SET_KEY_TYPE, type_of(set.key));
    messages_.put_be32(NFTA_SET_KEY_LEN, length_of(set.key));
    if (!set.data.empty()) {
        messages_.put_be32(NFTA_SET_DATA_TYPE, type_of(set.data));
        messages_.put_be32(NFTA_SET_DATA_LEN, length_of(set.data));
    }
    messages_.put_be32(NFTA_SET_ID, next_set_id_++);
}

void NftTransaction::add_rule(const std::string& chain, const NftRule& rule) {
    begin(fmt::format("add a rule to nft chain {}", chain), NFT_MSG_NEWRULE,
          NLM_F_CREATE | NLM_F_APPEND);
    messages_.put_string(NFTA_RULE_TABLE, table_);
    messages_.put_string(NFTA_RULE_CHAIN, chain);
    messages_.put(NFTA_RULE_EXPRESSIONS | NLA_F_NESTED, rule.bytes());
}

void NftTransaction::element(const char* verb, unsigned type, const std::string& set,
                             const NftKey& key, const NftKey& data) {
    const unsigned flags = type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0;
    begin(fmt::format("{} an element of nft set {}", verb, set), type, flags);
    messages_.put_string(NFTA_SET_ELEM_LIST_TABLE, table_);
    messages_.put_string(NFTA_SET_ELEM_LIST_SET, set);
    const size_t list = messages_.begin_nested(NFTA_SET_ELEM_LIST_ELEMENTS);
    const size_t entry = messages_.begin_nested(NFTA_LIST_ELEM);
    put_value(messages_, NFTA_SET_ELEM_KEY, key.bytes());
    if (!data.bytes().empty()) {
        put_value(messages_, NFTA_SET_ELEM_DATA, data.bytes());
    }
    messages_.end_nested(entry);
    messages_.end_nested(list);
}

void NftTransaction::add_element(const std::string& set, const NftKey& key, const NftKey& data) {
    element("add", NFT_MSG_NEWSETELEM, set, key, data);
}

void NftTransaction::delete_element(const std::string& set, const NftKey& key) {
    element("delete", NFT_MSG_DELSETELEM, set, key, {});
}

Result<> NftTransaction::commit(NetlinkSocket& socket) {
    messages_.begin("commit an nftables transaction", NFNL_MSG_BATCH_END, 0,
                    family_header(AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
    return socket.transact(messages_);
}

bool is_nft_change(const NetlinkReply& reply, NftFamily family, std::string_view table) {
    if (reply.type >> 8 != NFNL_SUBSYS_NFTABLES) {
        return false;
    }
    const auto header = reply.header<nfgenmsg>();
    if (header.nfgen_family != static_cast<uint8_t>(family)) {
        return false;
    }
    // The table's name is the first attribute of all of these: NFTA_TABLE_NAME, NFTA_CHAIN_TABLE,
    // NFTA_RULE_TABLE, NFTA_SET_TABLE, NFTA_SET_ELEM_LIST_TABLE.
    static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1 &&
                  NFTA_SET_TABLE == 1 && NFTA_SET_ELEM_LIST_TABLE == 1);
    return attribute_text(find_attribute(reply.attributes(sizeof header), 1)) == table;
}

namespace {

void put_reply_source(NetlinkMessages& message, Ipv4 address) {
    const size_t tuple = message.begin_nested(CTA_TUPLE_REPLY);
    const size_t ip = message.begin_nested(CTA_TUPLE_IP);
    message.put_be32(CTA_IP_V4_SRC, address.value);
    message.end_nested(ip);
    message.end_nested(tuple);
}

void put_destination(NetlinkMessages& message, uint8_t protocol, uint16_t port) {
    const size_t tuple = message.begin_nested(CTA_TUPLE_ORIG);
    const size_t proto = message.begin_nested(CTA_TUPLE_PROTO);
    message.put_u8(CTA_PROTO_NUM, protocol);
    message.put_u16(CTA_PROTO_DST_PORT, htons(port));
    message.end_nested(proto);
    message.end_nested(tuple);
}

}  // namespace

Result<> forget_connections_to(NetlinkSocket& socket, Ipv4 address) {
    NetlinkMessages message =
        begin_forgetting(fmt::format("forget connections to {}", format_ipv4(address)));
    put_reply_source(message, address);
    return forget(socket, message, {.original = 0, .reply = kCompareSource});
}

Result<> forget_connections_through(NetlinkSocket& socket, uint8_t protocol, uint16_t port,
                                    Ipv4 address) {
    NetlinkMessages message =
        begin_forgetting(fmt::format("forget connections at {} to {}", port, format_ipv4(address)));
    put_destination(message, protocol, port);
    put_reply_source(message, address);
    return forget(
        socket, message,
        {.original = kCompareProtocol | kCompareDestinationPort, .reply = kCompareSource});
}

Result<> forget_connections_at(NetlinkSocket& socket, uint8_t protocol, uint16_t port) {
    NetlinkMessages message = begin_forgetting(fmt::format("forget connections at {}", port));
    put_destination(message, protocol, port);
    return forget(socket, message,
                  {.original = kCompareProtocol | kCompareDestinationPort, .reply = 0});
}

}  // namespace gantry::sys
