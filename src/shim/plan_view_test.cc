#include "shim/impl/plan_view.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace gantry::shim {
namespace {

/// One step with one text, well formed.
struct Plan {
    PlanHeader header = {};
    Step step = {};
    char pool[16] = "\0name";
};

Plan good() {
    Plan plan;
    plan.header.magic = kPlanMagic;
    plan.header.version = kPlanVersion;
    plan.header.size = sizeof plan;
    plan.header.step_count = 1;
    plan.header.steps = offsetof(Plan, step);
    plan.header.pool = offsetof(Plan, pool);
    plan.header.pool_size = sizeof plan.pool;
    plan.step.kind = StepKind::kHostname;
    plan.step.text[0] = {1, 4};
    return plan;
}

bool accepts(const Plan& plan) {
    return static_cast<bool>(PlanView::check(&plan, sizeof plan));
}

TEST(PlanView, ReadsWhatIsWellFormed) {
    const Plan plan = good();
    const PlanView view = PlanView::check(&plan, sizeof plan);
    ASSERT_TRUE(view);
    EXPECT_STREQ(view.text(view.step(0).text[0]), "name");
}

TEST(PlanView, RefusesWhatPointsOutside) {
    EXPECT_FALSE(PlanView::check("", 0));
    Plan plan = good();
    plan.header.magic = 1;
    EXPECT_FALSE(accepts(plan));
    plan = good();
    plan.header.step_count = 0x10000000;
    EXPECT_FALSE(accepts(plan));
    plan = good();
    plan.header.steps = 0xfffffff8;
    EXPECT_FALSE(accepts(plan));
    plan = good();
    plan.header.pool_size = 17;
    EXPECT_FALSE(accepts(plan));
    plan = good();
    plan.step.text[2] = {0xffffffff, 0xffffffff};
    EXPECT_FALSE(accepts(plan));
    plan = good();
    plan.step.text[0] = {1, 3};  // not at a zero byte
    EXPECT_FALSE(accepts(plan));
    plan = good();
    plan.step.kind = StepKind::kCount_;
    EXPECT_FALSE(accepts(plan));
    plan = good();
    plan.header.tasks_fds = 5;  // more than there are
    EXPECT_FALSE(accepts(plan));
}

}  // namespace
}  // namespace gantry::shim
