#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "cli/flags/flag.h"

namespace gantry::cli {

// The checks of flag values, in docker's wording. An empty result means that the value is good.
Result<> check_bool(std::string_view text);
Result<> check_int(std::string_view text);
Result<> check_int64(std::string_view text);
Result<> check_uint(std::string_view text);
Result<> check_uint16(std::string_view text);
Result<> check_bytes(std::string_view text);
Result<> check_swap_bytes(std::string_view text);
Result<> check_duration(std::string_view text);
Result<> check_decimal(std::string_view text);
Result<> check_env(std::string_view text);
Result<> check_label(std::string_view text);
Result<> check_filter(std::string_view text);
Result<> check_attach(std::string_view text);
Result<> check_extra_host(std::string_view text);
Result<> check_address(std::string_view text);
Result<> check_dns_search(std::string_view text);
Result<> check_link(std::string_view text);
Result<> check_sysctl(std::string_view text);
Result<> check_ulimit(std::string_view text);
Result<> check_mount(std::string_view text);
Result<> check_network(std::string_view text);
Result<> check_gpus(std::string_view text);
Result<> check_weight_device(std::string_view text);
Result<> check_throttle_bytes(std::string_view text);
Result<> check_throttle_operations(std::string_view text);
Result<> check_device_rule(std::string_view text);

/// Go's strconv.ParseBool: 1 t T TRUE true True 0 f F FALSE false False.
std::optional<bool> parse_go_bool(std::string_view text);
/// Go's strconv.ParseInt with base 0: decimal, 0x, 0o, 0b, with a sign.
std::optional<int64_t> parse_go_int(std::string_view text);
/// CPUs as a decimal or a fraction, in billionths of one; empty if TEXT is neither.
std::optional<int64_t> parse_nano_cpus(std::string_view text);

namespace flag_type {

using Arity = FlagType::Arity;

inline constexpr FlagType kBool = {"", Arity::kSwitch, "", check_bool};
inline constexpr FlagType kString = {"string", Arity::kOnce, "", nullptr};
inline constexpr FlagType kInt = {"int", Arity::kOnce, "", check_int};
inline constexpr FlagType kInt64 = {"int", Arity::kOnce, "", check_int64};
inline constexpr FlagType kUint = {"uint", Arity::kOnce, "", check_uint};
inline constexpr FlagType kUint16 = {"uint16", Arity::kOnce, "0", check_uint16};
inline constexpr FlagType kBytes = {"bytes", Arity::kOnce, "", check_bytes};
inline constexpr FlagType kSwapBytes = {"bytes", Arity::kOnce, "", check_swap_bytes};
inline constexpr FlagType kDuration = {"duration", Arity::kOnce, "0s", check_duration};
inline constexpr FlagType kDecimal = {"decimal", Arity::kOnce, "", check_decimal};
inline constexpr FlagType kList = {"list", Arity::kRepeated, "", nullptr};
inline constexpr FlagType kStrings = {"strings", Arity::kCommaList, "", nullptr};
inline constexpr FlagType kEnv = {"list", Arity::kRepeated, "", check_env};
inline constexpr FlagType kLabel = {"list", Arity::kRepeated, "", check_label};
inline constexpr FlagType kFilter = {"filter", Arity::kRepeated, "", check_filter};
inline constexpr FlagType kAttach = {"list", Arity::kRepeated, "", check_attach};
inline constexpr FlagType kExtraHost = {"list", Arity::kRepeated, "", check_extra_host};
inline constexpr FlagType kAddress = {"list", Arity::kRepeated, "", check_address};
inline constexpr FlagType kDnsSearch = {"list", Arity::kRepeated, "", check_dns_search};
inline constexpr FlagType kLink = {"list", Arity::kRepeated, "", check_link};
inline constexpr FlagType kMap = {"map", Arity::kRepeated, "map[]", nullptr};
inline constexpr FlagType kSysctl = {"map", Arity::kRepeated, "map[]", check_sysctl};
inline constexpr FlagType kUlimit = {"ulimit", Arity::kRepeated, "[]", check_ulimit};
inline constexpr FlagType kMount = {"mount", Arity::kRepeated, "", check_mount};
inline constexpr FlagType kNetwork = {"network", Arity::kRepeated, "", check_network};
inline constexpr FlagType kGpus = {"gpu-request", Arity::kRepeated, "", check_gpus};
inline constexpr FlagType kWeightDevice = {"list", Arity::kRepeated, "[]", check_weight_device};
inline constexpr FlagType kThrottleBytes = {"list", Arity::kRepeated, "[]", check_throttle_bytes};
inline constexpr FlagType kThrottleOperations = {"list", Arity::kRepeated, "[]",
                                                 check_throttle_operations};
inline constexpr FlagType kDeviceRule = {"list", Arity::kRepeated, "", check_device_rule};

}  // namespace flag_type
}  // namespace gantry::cli
