#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace gantry::store {

/// A data-root in a temporary directory that goes away with the fixture.
class DataRootTest : public testing::Test {
protected:
    explicit DataRootTest(const std::string& parent = testing::TempDir())
        : root_(parent + "/gantry_store_XXXXXX") {}

    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "needs root: owners, devices and trusted.* attributes";
        }
        ASSERT_NE(::mkdtemp(root_.data()), nullptr);
        made_ = true;
    }
    void TearDown() override {
        if (made_) {
            std::filesystem::remove_all(root_);
        }
    }

    const std::string& root() const { return root_; }
    std::string path(const std::string& below) const { return root_ + "/" + below; }

private:
    std::string root_;
    bool made_ = false;
};

}  // namespace gantry::store
