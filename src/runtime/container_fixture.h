#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/default_config.h"
#include "runtime/launcher.h"
#include "spec/oci/runtime.h"

namespace gantry::runtime {

/// Launches real containers from a root file system of busybox in a temp directory, and leaves
/// nothing behind. Skips without root or busybox.
class ContainerFixture : public ::testing::Test {
protected:
    void SetUp() override;
    void TearDown() override;

    /// The default config that runs COMMAND with /bin/sh -c.
    spec::oci::Config shell(const std::string& command, bool terminal = false) const;
    LaunchOptions options();

    /// launch() that fails the test on error.
    std::unique_ptr<ShimHandle> launch(const spec::oci::Config& config,
                                       const LaunchOptions& options);
    /// Launches, starts, waits for the end and releases. The log is left in log().
    Event run(const spec::oci::Config& config, const LaunchOptions& options);
    Event run(const std::string& command);

    /// The next event, waiting for it at most 20 s.
    static Event wait_event(ShimHandle& shim);
    static Event wait_event(ShimHandle& shim, Event::Type type);

    static std::string read_file(const std::string& path);
    std::string raw_log(const std::string& suffix = "") const;
    /// The texts of the log's records, joined; the escapes that tests use are undone.
    std::string log_text() const;

    std::string root() const { return dir_ + "/root"; }
    std::string dir_;
    std::unique_ptr<Launcher> launcher_;
    int next_ = 0;
};

/// Reads from FD until DONE says so or 20 s are over; what was read is returned. A zero read ends
/// it too.
std::string read_until(int fd, const std::function<bool(const std::string&)>& done);
std::string read_to_end(int fd);

}  // namespace gantry::runtime
