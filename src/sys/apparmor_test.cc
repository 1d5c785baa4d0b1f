#include "sys/apparmor.h"

#include <gtest/gtest.h>

namespace gantry::sys {
namespace {

TEST(AppArmor, SaysWhatTheKernelHas) {
    const auto loaded = is_apparmor_profile_loaded("gantry-test-no-such-profile");
    if (!has_apparmor()) {
        ASSERT_FALSE(loaded);
        EXPECT_EQ(loaded.error().kind(), Kind::kNotImplemented);
        GTEST_SKIP() << "no AppArmor here";
    }
    ASSERT_TRUE(loaded) << loaded.error().text();
    EXPECT_FALSE(*loaded);
}

TEST(AppArmor, LoadsProfiles) {
    if (!has_apparmor() || !has_apparmor_parser()) {
        GTEST_SKIP() << "needs AppArmor and apparmor_parser";
    }
    EXPECT_FALSE(load_apparmor_profiles("profile gantry-test-broken { nonsense"));
    const auto done = load_apparmor_profiles("profile gantry-test-loaded { file, }\n");
    ASSERT_TRUE(done) << done.error().text();
    EXPECT_TRUE(is_apparmor_profile_loaded("gantry-test-loaded").value_or(false));
    EXPECT_FALSE(is_apparmor_profile_loaded("gantry-test-load").value_or(true));
}

}  // namespace
}  // namespace gantry::sys
