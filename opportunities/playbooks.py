"""Pipelines to start from (domain.md 10.1), in the words of the company's language.

Probabilities, categories and usual days are our own; those of P8 follow architecture.md 5b.
"""

from dataclasses import dataclass
from decimal import Decimal

from .models import Category, Pipeline

PIPELINE, BEST, COMMIT, CLOSED = Category.PIPELINE, Category.BEST_CASE, Category.COMMIT, Category.CLOSED


@dataclass(frozen=True)
class Words:
    """The same text in Chinese and English; `of` picks by a tenant's locale."""

    zh: str
    en: str

    def of(self, locale: str) -> str:
        return self.zh if locale.lower().startswith("zh") else self.en


@dataclass(frozen=True)
class Step:
    """One stage: key, name, win probability in percent, category, usual days, the buyer's step beside it."""

    key: str
    name: Words
    percent: int
    category: str
    days: int | None = None
    buyer: Words = Words("", "")


@dataclass(frozen=True)
class Playbook:
    key: str
    name: Words
    steps: tuple[Step, ...]
    mode: str = Pipeline.Mode.FREE

    def stages(self, locale: str) -> list[dict]:
        """The columns of its stages, as `actions.create_pipeline` takes them."""
        return [
            {
                "key": step.key,
                "name": step.name.of(locale),
                "probability": Decimal(step.percent) / 100,
                "category": step.category,
                "reference_days": step.days,
                "buyer_stage": step.buyer.of(locale),
            }
            for step in self.steps
        ]


P5 = Playbook(
    "p5",
    Words("标准销售流程", "Standard sales"),
    (
        Step("contact", Words("初步接洽", "First contact"), 10, PIPELINE, 30),
        Step("requirement", Words("需求确认", "Requirement confirmed"), 30, PIPELINE, 45),
        Step("quote", Words("报价", "Quote"), 50, BEST, 30),
        Step("contract", Words("拟定合同", "Contract drafting"), 80, COMMIT, 30),
        Step("won", Words("赢单", "Won"), 100, CLOSED),
    ),
)

P8 = Playbook(
    "p8",
    Words("工业项目销售流程", "Industrial project sales"),
    (
        Step(
            "planning", Words("客户规划与电话邀约", "Account planning and first calls"), 5, PIPELINE, 15,
            Words("发现问题,提出需求", "Finds a problem and states a need"),
        ),
        Step(
            "visit", Words("客户拜访与初步调研", "Visits and first survey"), 10, PIPELINE, 20,
            Words("研究可行性,确定预算", "Studies feasibility and sets a budget"),
        ),
        Step(
            "outline", Words("提交初步方案", "Outline proposal"), 20, PIPELINE, 20,
            Words("项目立项,组建采购小组", "Starts the project and forms a buying team"),
        ),
        Step(
            "demo", Words("方案演示与技术交流", "Demonstration and technical exchange"), 35, PIPELINE, 30,
            Words("建立采购标准", "Sets its buying criteria"),
        ),
        Step(
            "design", Words("需求分析与正式方案设计", "Requirement analysis and full design"), 50, BEST, 30,
            Words("招标,初步筛选", "Calls for tenders and draws a shortlist"),
        ),
        Step(
            "evaluation", Words("项目评估", "Project evaluation"), 65, BEST, 20,
            Words("确定首选供应商", "Names its preferred supplier"),
        ),
        Step(
            "negotiation", Words("商务谈判", "Negotiation"), 80, COMMIT, 20,
            Words("商务谈判", "Negotiates"),
        ),
        Step(
            "won", Words("签约成交并移交实施部门", "Signing and handover to delivery"), 100, CLOSED, None,
            Words("签约", "Signs"),
        ),
    ),
)  # fmt: skip

PLAYBOOKS = {playbook.key: playbook for playbook in (P5, P8)}
