"""The theme on the whole application: palette, font, and a style sheet made from the theme's tokens."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from sounddesk.app.look.theme import BODY
from sounddesk.app.look.theme import GAP
from sounddesk.app.look.theme import PADDING
from sounddesk.app.look.theme import RADIUS
from sounddesk.app.look.theme import SMALL
from sounddesk.app.look.theme import TITLE
from sounddesk.app.look.theme import Theme
from sounddesk.app.look.theme import font
from sounddesk.app.look.theme import palette
from sounddesk.app.look.theme import show_theme
from sounddesk.app.look.theme import theme
from sounddesk.resources_folder import resource


def apply_theme(app: QApplication, name: str) -> None:
    """Show the application in 'dark', 'light' or 'system' colours, at once and in every window."""
    hints = app.styleHints()
    schemes = {"dark": Qt.ColorScheme.Dark, "light": Qt.ColorScheme.Light}
    hints.setColorScheme(schemes.get(name, Qt.ColorScheme.Unknown))
    if name not in schemes:
        # Where the system does not say, dark: the room is, as a rule.
        name = "light" if hints.colorScheme() == Qt.ColorScheme.Light else "dark"
    show_theme(name)
    app.setStyle("Fusion")
    app.setPalette(palette(name))
    app.setFont(font(BODY))
    app.setStyleSheet(style_sheet(theme()))


def style_sheet(of: Theme) -> str:
    """Qt style sheet of a theme: flat surfaces, separators of one pixel, and a focus that can be seen."""
    check, up, down = (resource(f"icons/{sign}_{of.name}.svg").as_posix() for sign in ("check", "up", "down"))
    return f"""
QMainWindow, QDialog {{ background: {of.window}; }}
QMainWindow::separator {{ background: {of.window}; width: {GAP}px; height: {GAP}px; }}
QMainWindow::separator:hover {{ background: {of.accent}; }}
QDockWidget {{ font-size: {SMALL}px; color: {of.muted}; }}
QDockWidget::title {{ background: {of.panel}; padding: {GAP}px {PADDING}px; border-bottom: 1px solid {of.line}; }}
QDockWidget > QWidget {{ background: {of.panel}; }}
QMenuBar {{ background: {of.window}; }}
QMenuBar::item {{ padding: {GAP}px {PADDING}px; background: transparent; border-radius: {RADIUS}px; }}
QMenuBar::item:selected {{ background: {of.hover}; }}
QMenu {{ background: {of.raised}; border: 1px solid {of.line}; padding: {GAP}px; }}
QMenu::item {{ padding: {GAP}px {PADDING * 3}px; border-radius: {RADIUS}px; }}
QMenu::item:selected {{ background: {of.selection}; color: {of.on_selection}; }}
QMenu::item:disabled {{ color: {of.disabled}; }}
QMenu::separator {{ height: 1px; background: {of.line}; margin: {GAP}px {PADDING}px; }}
QStatusBar {{ background: {of.window}; color: {of.muted}; }}
QStatusBar::item {{ border: none; }}

QToolTip {{ background: {of.raised}; color: {of.text}; border: 1px solid {of.frame}; padding: {GAP}px; }}

QPushButton, QToolButton {{
    background: {of.raised}; color: {of.text}; border: 1px solid {of.line}; border-radius: {RADIUS}px;
    padding: {GAP}px {PADDING}px; min-height: 16px;
}}
QToolButton {{ padding: {GAP}px; }}
QToolButton[autoRaise="true"] {{ background: transparent; border-color: transparent; padding: 2px {GAP}px; }}
QToolButton[compact="true"] {{ padding: 0 2px; min-height: 18px; }}
QLineEdit QToolButton {{ padding: 0; min-height: 0; border: none; background: transparent; }}
QPushButton:hover, QToolButton:hover {{ background: {of.hover}; }}
QPushButton:pressed, QToolButton:pressed {{ background: {of.selection}; color: {of.on_selection}; }}
QToolButton:checked, QPushButton:checked {{
    background: {of.selection}; color: {of.on_selection}; border-color: {of.accent};
}}
QPushButton:disabled, QToolButton:disabled {{ color: {of.disabled}; background: {of.panel}; }}
QPushButton:focus, QToolButton:focus {{ border: 1px solid {of.accent}; }}
QPushButton:default {{ border: 1px solid {of.accent}; }}
QPushButton[accent="true"], QToolButton[accent="true"] {{
    background: {of.accent}; color: {of.on_accent}; border: 1px solid {of.accent}; font-weight: 600;
}}
QPushButton[accent="true"]:focus, QToolButton[accent="true"]:focus {{ border: 2px solid {of.text}; }}
QPushButton[accent="true"]:disabled, QToolButton[accent="true"]:disabled {{
    background: {of.raised}; color: {of.disabled}; border-color: {of.line};
}}
QToolButton::menu-button {{ border: none; width: 18px; }}
QToolButton::menu-indicator {{
    image: url("{down}"); width: 9px; height: 9px; right: 5px;
    subcontrol-origin: padding; subcontrol-position: center right;
}}
QToolButton[popupMode="2"] {{ padding-right: 18px; }}
QToolButton[popupMode="1"] {{ padding-right: 22px; }}

QMessageBox QLabel#qt_msgbox_label {{ font-weight: 600; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}

QLineEdit, QPlainTextEdit, QTextBrowser, QAbstractSpinBox {{
    background: {of.sunken}; color: {of.text}; border: 1px solid {of.line}; border-radius: {RADIUS}px;
    padding: 3px {GAP + 2}px; selection-background-color: {of.selection}; selection-color: {of.on_selection};
}}
QAbstractSpinBox QLineEdit {{ border: none; padding: 0; background: transparent; }}
QAbstractSpinBox {{ padding: 2px 0; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{
    subcontrol-origin: border; width: 16px; border: none; background: transparent;
}}
QAbstractSpinBox::up-button {{ subcontrol-position: top right; }}
QAbstractSpinBox::down-button {{ subcontrol-position: bottom right; }}
QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover {{ background: {of.hover}; }}
QAbstractSpinBox::up-arrow {{ image: url("{up}"); width: 8px; height: 8px; }}
QAbstractSpinBox::down-arrow {{ image: url("{down}"); width: 8px; height: 8px; }}
QAbstractSpinBox[bare="true"] {{ padding: 1px 2px; }}
QAbstractSpinBox[bare="true"]::up-button, QAbstractSpinBox[bare="true"]::down-button {{ width: 0; }}
QAbstractSpinBox[bare="true"]::up-arrow, QAbstractSpinBox[bare="true"]::down-arrow {{ image: none; }}
QComboBox {{
    background: {of.raised}; color: {of.text}; border: 1px solid {of.line}; border-radius: {RADIUS}px;
    padding: 3px {PADDING}px; min-height: 16px;
}}
QComboBox:hover {{ background: {of.hover}; }}
QComboBox::drop-down {{ border: none; width: 20px; }}
QComboBox::down-arrow {{ image: url("{down}"); width: 10px; height: 10px; }}
QComboBox QAbstractItemView {{
    background: {of.raised}; border: 1px solid {of.line}; border-radius: 0; padding: 2px;
    selection-background-color: {of.selection}; selection-color: {of.on_selection};
}}
QLineEdit:focus, QPlainTextEdit:focus, QTextBrowser:focus, QAbstractSpinBox:focus, QComboBox:focus {{
    border: 1px solid {of.accent};
}}
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled {{ color: {of.disabled}; background: {of.panel}; }}

QTreeView, QListView, QListWidget, QTreeWidget {{
    background: {of.sunken}; border: 1px solid {of.line}; border-radius: {RADIUS}px; outline: none;
    alternate-background-color: {of.sunken};
}}
QTreeView:focus, QListView:focus {{ border: 1px solid {of.accent}; }}
QTreeView::item, QListView::item {{ padding: {GAP}px; }}
QTreeView::item:hover:!selected, QListView::item:hover:!selected {{ background: {of.hover}; }}
QTreeView::item:selected, QListView::item:selected {{ background: {of.selection}; color: {of.on_selection}; }}
QHeaderView::section {{
    background: {of.panel}; color: {of.muted}; border: none; border-bottom: 1px solid {of.line};
    padding: {GAP}px; font-size: {SMALL}px;
}}
QScrollArea {{ border: none; background: transparent; }}
QScrollBar {{ background: {of.panel}; border: none; }}
QScrollBar:vertical {{ width: 10px; }}
QScrollBar:horizontal {{ height: 10px; }}
QScrollBar::handle {{ background: {of.frame}; border-radius: 3px; margin: 2px; }}
QScrollBar::handle:hover, QScrollBar::handle:pressed {{ background: {of.muted}; }}
QScrollBar::handle:disabled {{ background: transparent; }}
QScrollBar::handle:vertical {{ min-height: 24px; }}
QScrollBar::handle:horizontal {{ min-width: 24px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}

QCheckBox::indicator, QRadioButton::indicator, QTreeView::indicator {{
    width: 14px; height: 14px; border: 1px solid {of.frame}; border-radius: 3px; background: {of.sunken};
}}
QRadioButton::indicator {{ border-radius: 7px; }}
QCheckBox::indicator:checked, QRadioButton::indicator:checked, QTreeView::indicator:checked {{
    background: {of.accent}; border-color: {of.accent}; image: url("{check}");
}}
QCheckBox:focus, QRadioButton:focus {{ color: {of.accent}; }}
QCheckBox::indicator:focus, QRadioButton::indicator:focus {{
    width: 12px; height: 12px; border: 2px solid {of.accent};
}}
QCheckBox:disabled, QRadioButton:disabled {{ color: {of.disabled}; }}
QGroupBox {{ border: none; border-top: 1px solid {of.line}; margin-top: {TITLE}px; padding-top: {GAP}px; }}
QGroupBox::title {{ subcontrol-origin: margin; color: {of.muted}; font-size: {SMALL}px; }}

QSlider::groove:horizontal {{ height: 4px; background: {of.hover}; border-radius: 2px; }}
QSlider::groove:vertical {{ width: 4px; background: {of.hover}; border-radius: 2px; }}
QSlider::handle:horizontal {{
    width: 10px; margin: -6px 0; background: {of.text}; border: 1px solid {of.window}; border-radius: {RADIUS}px;
}}
QSlider::handle:vertical {{
    height: 12px; margin: 0 -9px; background: {of.text}; border: 1px solid {of.window}; border-radius: {RADIUS}px;
}}
QSlider:focus {{ border: 1px solid {of.accent}; border-radius: {RADIUS}px; }}
QSlider::handle:disabled {{ background: {of.disabled}; }}
QProgressBar {{
    background: {of.sunken}; border: 1px solid {of.line}; border-radius: {RADIUS}px; text-align: center;
    color: {of.text};
}}
QProgressBar::chunk {{ background: {of.selection}; border-radius: {RADIUS}px; }}

QTabWidget::pane {{ border: 1px solid {of.line}; background: {of.panel}; }}
QTabBar {{ background: {of.window}; }}
QTabBar::tab {{
    background: transparent; color: {of.muted}; padding: {GAP}px {PADDING}px; border-bottom: 2px solid transparent;
}}
QTabBar::tab:selected {{ color: {of.text}; border-bottom: 2px solid {of.accent}; }}
QTabBar::tab:hover {{ color: {of.text}; }}
QTabBar::tab:selected:focus {{ background: {of.selection}; color: {of.on_selection}; }}
QToolBar {{ background: {of.panel}; border: none; padding: 2px; spacing: 2px; }}
QToolBar::separator {{ background: {of.line}; width: 1px; height: 1px; margin: {GAP}px; }}

*[role="title"] {{ font-size: {TITLE}px; font-weight: 600; color: {of.text}; }}
*[role="small"] {{ font-size: {SMALL}px; color: {of.muted}; }}
*[role="muted"] {{ font-size: {BODY}px; color: {of.muted}; }}
*[surface="panel"] {{ background: {of.panel}; }}
*[surface="raised"] {{ background: {of.raised}; border: 1px solid {of.line}; border-radius: {RADIUS + 2}px; }}
"""
