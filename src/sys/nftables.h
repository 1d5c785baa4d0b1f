#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sys/ipv4.h"
#include "sys/netlink.h"

namespace gantry::sys {

/// Values are the kernel's NFPROTO_*.
enum class NftFamily : uint8_t { kInet = 1, kBridge = 7 };

/// Values are the kernel's numbers; the bridge family has the same ones.
enum class NftHook : uint8_t {
    kPreRouting = 0,
    kInput = 1,
    kForward = 2,
    kOutput = 3,
    kPostRouting = 4
};

enum class NftPolicy : uint8_t { kDrop = 0, kAccept = 1 };

struct NftBaseChain {
    std::string name;
    std::string type;  // "filter" or "nat"
    NftHook hook = NftHook::kForward;
    int priority = 0;
    NftPolicy policy = NftPolicy::kAccept;
};

/// A field of a concatenated key or value: what it is for `nft list`, and its size in bytes. The
/// kernel keeps every field in a multiple of four bytes.
struct NftField {
    uint32_t type;
    uint32_t size;
};
inline constexpr NftField kNftIpv4{7, 4};
inline constexpr NftField kNftEther{9, 6};
inline constexpr NftField kNftProtocol{12, 1};
inline constexpr NftField kNftPort{13, 2};
inline constexpr NftField kNftInterface{41, 16};

/// A set, or a map if it has data.
struct NftSet {
    std::string name;
    std::vector<NftField> key;
    std::vector<NftField> data;
};

/// Builds the bytes of a concatenated key or value, field by field in the set's order.
class NftKey {
public:
    NftKey& ipv4(Ipv4 address);
    NftKey& protocol(uint8_t number);
    NftKey& port(uint16_t number);
    NftKey& mac(const MacAddress& mac);
    NftKey& interface(std::string_view name);

    std::span<const uint8_t> bytes() const { return bytes_; }

private:
    NftKey& field(std::span<const uint8_t> value);

    std::vector<uint8_t> bytes_;
};

enum class NftMatch { kIs, kIsNot };

/// What a rule can take from a packet to look it up. In the order of the set's NftFields.
enum class NftLoad {
    kInInterface,      // 16 bytes
    kEtherSource,      // 6
    kIpv4Source,       // 4
    kIpv4Destination,  // 4
    kArpSource,        // 4: the sender's IPv4 address in an ARP message
    kProtocol,         // 1: TCP, UDP...
    kDestinationPort,  // 2
};

/// One rule, written in the order in which it is evaluated: matches first, then what to do. Each
/// match that fails ends the rule.
class NftRule {
public:
    NftRule& is_ipv4();
    NftRule& in_interface(std::string_view name, NftMatch match = NftMatch::kIs);
    NftRule& out_interface(std::string_view name, NftMatch match = NftMatch::kIs);
    NftRule& source(const Ipv4Prefix& prefix, NftMatch match = NftMatch::kIs);
    NftRule& destination(const Ipv4Prefix& prefix, NftMatch match = NftMatch::kIs);
    /// `fib daddr type local`: an address of this host.
    NftRule& destination_is_local();
    /// `ct state established,related`.
    NftRule& is_known_connection();
    /// `ct status dnat`: the connection came through a published port.
    NftRule& is_dnat();

    /// The fields, side by side, are (or are not) in the set, whose key has the same fields.
    NftRule& is_in_set(const std::string& set, std::initializer_list<NftLoad> fields,
                       NftMatch match = NftMatch::kIs);
    /// Of frames (bridge family): ETH_P_IP, ETH_P_ARP...
    NftRule& ether_type(uint16_t type);

    /// Looks the fields up in MAP and, if they are there, sends the connection to the address .
    /// port found. Ends the chain then.
    NftRule& dnat_by_map(const std::string& map, std::initializer_list<NftLoad> fields);
    NftRule& masquerade();
    NftRule& accept();
    NftRule& drop();

    std::span<const uint8_t> bytes() const { return writer_.bytes(); }

private:
    template <class Body>
    NftRule& expression(const char* name, Body body);
    NftRule& load_meta(unsigned key, unsigned reg);
    NftRule& load_payload(unsigned base, unsigned offset, unsigned size, unsigned reg);
    NftRule& compare(unsigned reg, std::span<const uint8_t> value, NftMatch match);
    NftRule& mask(unsigned reg, std::span<const uint8_t> bits);
    NftRule& interface(unsigned key, std::string_view name, NftMatch match);
    NftRule& address(unsigned offset, const Ipv4Prefix& prefix, NftMatch match);
    NftRule& conntrack_bits(unsigned key, uint32_t bits);
    NftRule& load_fields(std::initializer_list<NftLoad> fields);
    NftRule& verdict(int code);

    AttributeWriter writer_;
};

/// One nf_tables transaction on the tables of one name: all of it happens or nothing, and no packet
/// sees a state between. Finish by NftTransaction::commit().
class NftTransaction {
public:
    NftTransaction(NftFamily family, std::string table);

    /// What follows is about the table of that name in another family.
    void use(NftFamily family) { family_ = family; }

    void add_table();
    /// Fails if there is none; add_table() before it makes "begin from nothing" of the two.
    void delete_table();
    void add_chain(const NftBaseChain& chain);
    void add_set(const NftSet& set);
    void add_rule(const std::string& chain, const NftRule& rule);
    /// DATA is empty for a set. Adding what is there already is fine if the data is the same.
    void add_element(const std::string& set, const NftKey& key, const NftKey& data = {});
    /// Fails the transaction if the element is not there (ENOENT).
    void delete_element(const std::string& set, const NftKey& key);

    Result<> commit(NetlinkSocket& socket);

private:
    void begin(std::string what, unsigned type, unsigned flags);
    void element(const char* verb, unsigned type, const std::string& set, const NftKey& key,
                 const NftKey& data);

    NftFamily family_;
    std::string table_;
    NetlinkMessages messages_;
    uint32_t next_set_id_ = 1;
};

/// The group of NETLINK_NETFILTER that tells of all changes of rule sets.
inline constexpr unsigned kNftGroup = 7;

/// Whether REPLY, a notification of kNftGroup, tells of a change in TABLE.
bool is_nft_change(const NetlinkReply& reply, NftFamily family, std::string_view table);

/// Forgets all connections whose answers come from ADDRESS: flows that a published port led to a
/// container that is gone would else go on to its address' next owner. A kernel that cannot filter
/// (before 5.8) is kNotImplemented.
Result<> forget_connections_to(NetlinkSocket& socket, Ipv4 address);

/// Forgets the connections of PROTOCOL that PORT, published for ADDRESS, led there. Errors as
/// above.
Result<> forget_connections_through(NetlinkSocket& socket, uint8_t protocol, uint16_t port,
                                    Ipv4 address);

/// Forgets all connections of PROTOCOL (an IPPROTO_*) to PORT of any address: a flow of datagrams
/// that began before the port was published would never be translated. Errors as above.
Result<> forget_connections_at(NetlinkSocket& socket, uint8_t protocol, uint16_t port);

}  // namespace gantry::sys
